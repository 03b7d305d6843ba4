import { count, duration, milliseconds, type StepContext, say, type Text, z } from 'healthz'
import type { Options } from './options.ts'
import type { Queue } from './read-queue.ts'
import { admitMissing, inWords, type Queues, step } from './target.ts'

const limits = z.strictObject({
  max: z.int().min(0).default(1000),
  queues: z
    .record(z.string(), z.int().min(0))
    .meta({ description: 'another limit for these, by name' })
    .default({}),
  age: duration('5m').meta({ description: 'how long the oldest job may wait' }),
})

type Limits = z.output<typeof limits>

/** No queue is long and stays long, and no job waits long. A paused one is told of by the step `paused`. */
export const backlog = step({
  title: say`no queue piles up, and no job waits long`,
  limits,
  async check(context) {
    const { target, limits, note, recall, remember, problem, cannotTell } = context
    const reading = await target.read()
    const before = recall<Lengths>()?.value ?? {}
    const after: Record<string, readonly number[]> = {}
    const queues = reading.queues.filter(({ isPaused }) => !isPaused)
    const ages = await Promise.all(queues.map((queue) => oldestAge(queue, target, context.now())))
    for (const [index, queue] of queues.entries()) {
      const { name, waiting } = queue
      const lengths = [...(before[name] ?? []), waiting].slice(-remembered)
      after[name] = lengths
      note(say`${count(waiting, 'job')} wait in ${name}`)
      const found = judge(queue, lengths, ages[index] ?? null, limits, context.grade)
      if (found === null) continue
      problem({
        key: name,
        severity: found.severity,
        summary: found.summary,
        advice: say`raise the concurrency of the workers of ${name} or start more of them, and see in their logs why they are slow`,
        evidence: { queue: name, waiting, active: queue.active, oldestMs: ages[index] ?? null },
      })
    }
    remember(after)
    admitMissing(reading, cannotTell)
  },
})

/** The lengths at the last tellings, by queue. */
type Lengths = Readonly<Record<string, readonly number[]>>

const remembered = 3

function judge(
  { name, waiting }: Queue,
  lengths: readonly number[],
  age: number | null,
  { max, queues, age: oldest }: Limits,
  grade: StepContext<Queues, Options>['grade'],
): { severity: 'warning' | 'critical'; summary: Text } | null {
  const limit = queues[name] ?? max
  const severity = grade(waiting, { warning: limit, critical: limit * 10 }, name)
  if (severity !== null && !isShrinking(lengths)) {
    return {
      severity,
      summary: say`${count(waiting, 'job')} wait in ${name} and do not become fewer (limit ${limit})`,
    }
  }
  if (age === null || grade(age, { warning: oldest }, name) === null) return null
  return {
    severity: 'warning',
    summary: say`the oldest job in ${name} has waited for ${milliseconds(age)} (limit ${milliseconds(oldest)}), among ${count(waiting, 'job')}`,
  }
}

/** Each length is less than the one before; one alone has no history. */
const isShrinking = (lengths: readonly number[]) =>
  lengths.length > 1 && lengths.every((length, index) => index === 0 || length < (lengths[index - 1] ?? 0))

/**
 * Milliseconds since the job that is next could have been worked on; null where none waits. A delay is not waiting, nor is
 * the time before an attempt that failed. BullMQ takes from the right end.
 */
async function oldestAge({ name }: Queue, { redis, key }: Queues, now: number): Promise<number | null> {
  const id = await inWords(redis.call('LINDEX', key(name, 'wait'), -1))
  if (typeof id !== 'string') return null
  const fields = await inWords(redis.call('HMGET', key(name, id), 'timestamp', 'processedOn', 'opts'))
  const [timestamp, processed, opts] = Array.isArray(fields) ? fields : []
  if (timestamp == null) return null
  const since = Math.max(Number(timestamp) + delayOf(opts), Number(processed ?? 0))
  return Number.isFinite(since) ? Math.max(0, now - since) : null
}

function delayOf(opts: unknown): number {
  try {
    return Number(JSON.parse(String(opts)).delay ?? 0) || 0
  } catch {
    return 0 // of another version
  }
}
