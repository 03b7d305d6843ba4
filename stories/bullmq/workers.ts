import { count, say } from 'healthz'
import { startWorker } from './start-worker.ts'
import { admitMissing, type Queues, step } from './target.ts'

/** Every queue with work to do has somebody who does it. */
export const workers = step({
  title: say`every queue with jobs has a worker`,
  cures: [{ title: say`start the configured program with supervisord`, consent: 'auto' }],
  async check({ target, options, now, note, problem, cannotTell }) {
    const [reading, seen] = await Promise.all([target.read(), target.workers()])
    const hidden: string[] = []
    for (const { name, isPaused, waiting, active } of reading.queues) {
      const here = seen.get(name) ?? 0
      note(say`${name}: ${count(here, 'worker')}, ${count(waiting, 'job')} waiting, ${active} active`)
      if (here > 0 || isPaused) continue
      const due =
        waiting > 0
          ? 0
          : Number(await target.redis.call('ZCOUNT', target.key(name, 'delayed'), '-inf', now() * 4096))
      if (waiting + active + due === 0) continue
      if (await isWorkedOn(name, target)) {
        hidden.push(name)
        continue
      }
      const cure = startWorker(name, options, target)
      problem({
        key: name,
        severity: 'critical',
        summary: say`nobody works on the queue ${name}: ${waiting + due} jobs wait, ${active} were begun, and no worker is connected`,
        advice: say`start the program that runs the workers of ${name}; if it runs, see in its log why it is not connected`,
        evidence: { queue: name, workers: 0, waiting, active, delayedDue: due },
        ...(cure !== null && { resolve: cure }),
      })
    }
    if (hidden.length > 0)
      cannotTell(
        say`jobs are worked on, but no worker shows its name (a proxy or a managed Redis hides it): ${hidden}`,
      )
    admitMissing(reading, cannotTell)
  },
})

/** A job that is locked has a worker that renews the lock, whatever it is called. */
async function isWorkedOn(queue: string, { redis, key }: Queues): Promise<boolean> {
  const id = await redis.call('LINDEX', key(queue, 'active'), 0)
  return typeof id === 'string' && (await redis.call('EXISTS', key(queue, `${id}:lock`))) === 1
}
