import { textsOf } from './read-queue.ts'
import type { Queues } from './target.ts'

/**
 * The names of the jobs that failed last, with how often each is among them. Never why, and never their data: both may
 * hold anything.
 */
export async function failedNames(
  queue: string,
  since: number,
  { redis, key }: Queues,
): Promise<readonly string[]> {
  const ids = textsOf(
    await redis.call('ZREVRANGEBYSCORE', key(queue, 'failed'), '+inf', since, 'LIMIT', 0, most),
  )
  const names = await Promise.all(ids.map((id) => redis.call('HGET', key(queue, id), 'name')))
  const byName = Map.groupBy(
    names.filter((name) => typeof name === 'string'),
    (name) => name.slice(0, 60),
  )
  return [...byName]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .slice(0, 5)
    .map(([name, jobs]) => `${name} ×${jobs.length}`)
}

const most = 20
