import type { RedisKeys } from 'healthz'

/** A queue as it stands in Redis. */
export interface Queue {
  readonly name: string
  readonly isPaused: boolean
  /** Jobs that could be worked on now, those with a priority included. */
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
  readonly completed: number
  /** How many jobs were ever added. */
  readonly added: number
  /** Jobs that are neither done nor failed. */
  readonly pending: number
}

/** Null where there is no such queue. */
export async function readQueue(
  redis: RedisKeys,
  name: string,
  key: (part: string) => string,
): Promise<Queue | null> {
  const count = async (command: string, part: string) => numberOf(await redis.call(command, key(part)))
  const [exists, paused, added, wait, held, prioritized, active, delayed, children, failed, completed] =
    await Promise.all([
      redis.call('EXISTS', key('meta'), key('id'), key('wait'), key('repeat')),
      redis.call('HGET', key('meta'), 'paused'),
      redis.call('GET', key('id')),
      count('LLEN', 'wait'),
      // Versions before 6 keep what waits in a paused queue apart.
      count('LLEN', 'paused'),
      count('ZCARD', 'prioritized'),
      count('LLEN', 'active'),
      count('ZCARD', 'delayed'),
      count('ZCARD', 'waiting-children'),
      count('ZCARD', 'failed'),
      count('ZCARD', 'completed'),
    ])
  if (exists === 0) return null
  const waiting = wait + held + prioritized
  return {
    ...{ name, waiting, active, delayed, failed, completed },
    isPaused: paused !== null,
    added: numberOf(added),
    pending: waiting + active + delayed + children,
  }
}

/** What Redis gives as a number or as its text; 0 where there is nothing. */
export const numberOf = (reply: unknown): number => Number(reply ?? 0) || 0

/** A reply that is a list of texts. */
export const textsOf = (reply: unknown): readonly string[] => (Array.isArray(reply) ? reply.map(String) : [])

/** A reply of members with their scores: `[member, score, member, score...]`, flat or in pairs. */
export function scoredOf(reply: unknown): readonly { readonly member: string; readonly score: number }[] {
  const flat = (Array.isArray(reply) ? reply : []).flat()
  return flat.flatMap((member, index) =>
    index % 2 === 0 ? [{ member: String(member), score: numberOf(flat[index + 1]) }] : [],
  )
}
