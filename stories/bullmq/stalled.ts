import { CannotTell, count, duration, kindOf, milliseconds, say, z } from 'healthz'
import { textsOf } from './read-queue.ts'
import { startWorker } from './start-worker.ts'
import { admitMissing, inWords, type Queues, step } from './target.ts'

/** No begun job has lost its worker. Every running worker brings such jobs back by itself. */
export const stalled = step({
  title: say`no job hangs whose worker is gone`,
  limits: z.strictObject({ after: duration('1m') }),
  cures: [{ title: say`start the configured program with supervisord`, consent: 'auto' }],
  async check({ target, options, limits, now, note, recall, remember, problem, cannotTell }) {
    const reading = await target.read()
    const before = recall<Readonly<Record<string, number>>>()?.value ?? {}
    const after: Record<string, number> = {}
    for (const { name, active } of reading.queues) {
      const unlocked = active === 0 ? [] : await unlockedJobs(name, target)
      for (const id of unlocked) after[`${name} ${id}`] = before[`${name} ${id}`] ?? now()
      // A job that ends drops its lock a moment before it leaves the list.
      const lost = unlocked
        .map((id) => now() - (after[`${name} ${id}`] ?? now()))
        .filter((age) => age >= limits.after)
      note(say`${count(active, 'job')} of ${name} begun, ${unlocked.length} without a lock`)
      if (lost.length === 0) continue
      const workers = await workersOf(name, target)
      const cure = workers === 0 ? startWorker(name, options, target) : null
      problem({
        key: name,
        severity: workers === 0 ? 'critical' : 'warning',
        summary: say`${count(lost.length, 'job')} of ${name} hang without a worker for ${milliseconds(Math.max(...lost))} (limit ${milliseconds(limits.after)})`,
        advice:
          workers === 0
            ? say`start a worker of ${name}: each brings such jobs back by itself; do not move them by hand`
            : say`see in the log of the workers why they do not bring them back: stalledInterval may be long, or the check switched off (skipStalledCheck)`,
        evidence: { queue: name, stalled: lost.length, workers },
        ...(cure !== null && { resolve: cure }),
      })
    }
    remember(after)
    admitMissing(reading, cannotTell)
  },
})

/** Null where they cannot be counted, which the step `workers` tells of. */
async function workersOf(queue: string, target: Queues): Promise<number | null> {
  try {
    return (await target.workers()).get(queue) ?? 0
  } catch (error) {
    if (error instanceof CannotTell || kindOf(error) === 'not-allowed') return null
    throw error
  }
}

/** So many begun jobs of a queue are looked at. */
const most = 500

async function unlockedJobs(queue: string, { redis, key }: Queues): Promise<readonly string[]> {
  const ids = textsOf(await inWords(redis.call('LRANGE', key(queue, 'active'), -most, -1)))
  const locks = await Promise.all(ids.map((id) => redis.call('EXISTS', key(queue, `${id}:lock`))))
  return ids.filter((_, index) => locks[index] === 0)
}
