import { count, duration, milliseconds, say, z } from 'healthz'
import { disconnect, readHolders } from './holders.ts'
import { admitHidden, type Queue } from './queues.ts'
import { step } from './target.ts'

/** What is handed out to consumers is acknowledged in time. */
export const unacknowledged = step({
  title: say`no consumer sits on its messages`,
  limits: z.strictObject({
    after: duration('15m').meta({ description: 'below the consumer_timeout of the broker (30m)' }),
    max: z.int().min(0).default(10_000),
    disconnectUsers: z
      .array(z.string().min(1))
      .meta({ description: 'users whose hanging connections a cure may close' })
      .default([]),
  }),
  cures: [
    {
      title: say`close the connection of a consumer named in disconnectUsers that hangs; its messages are handed out again`,
      consent: 'ask',
    },
  ],
  async check({ target, limits, signal, now, recall, remember, grade, problem, cannotTell }) {
    const list = await target.queues(signal)
    const held = list.queues.filter(({ unacknowledged }) => (unacknowledged ?? 0) > 0)
    const before = recall<Readonly<Record<string, Held>>>()?.value ?? {}
    const after = Object.fromEntries(held.map((queue) => [queue.id, heldOf(queue, before[queue.id], now())]))
    remember(after)
    for (const queue of held) {
      const amount = queue.unacknowledged ?? 0
      const age = now() - (after[queue.id]?.since ?? now())
      const isStuck = queue.acks !== null && age >= limits.after
      const tooMany = grade(amount, { warning: limits.max }, queue.id) !== null
      if (!isStuck && !tooMany) continue
      const holders = await readHolders(target.api, queue, signal)
      problem({
        key: queue.id,
        severity: 'warning',
        // It has lasted for minutes, by a counter that misses nothing.
        ...(isStuck && { confirm: 1 }),
        summary: isStuck
          ? say`${queue.title} has handed out ${count(amount, 'message')}, and none was acknowledged for ${milliseconds(age)} (limit ${milliseconds(limits.after)})`
          : say`${queue.title} has handed out ${count(amount, 'message')} that are not acknowledged (limit ${limits.max})`,
        advice:
          holders.length === 0
            ? say`find its consumer, see what it waits for, and restart it`
            : say`see what its consumer waits for, and restart it: ${holders.map(({ title }) => title)}`,
        evidence: {
          vhost: queue.vhost,
          queue: queue.name,
          unacknowledged: amount,
          consumers: queue.consumers,
          heldBy: holders.map(({ peer }) => peer).join(', '),
        },
        ...(isStuck && disconnect(target.api, queue, holders, limits.disconnectUsers)),
      })
    }
    const blank = list.queues.filter(isBlank).map(({ title }) => title)
    if (blank.length > 0)
      cannotTell(
        list.uncounted ??
          say`the broker does not say how many messages of these queues are acknowledged: ${blank}`,
      )
    admitHidden(list, target.api, cannotTell)
  },
})

const isBlank = ({ unacknowledged, acks }: Queue) =>
  unacknowledged === null || (unacknowledged > 0 && acks === null)

interface Held {
  readonly amount: number
  readonly acks: number | null
  readonly since: number
}

/** A consumer whose prefetch is always full holds the same amount all the time: only the acknowledgements tell. */
function heldOf({ unacknowledged, acks }: Queue, before: Held | undefined, at: number): Held {
  const amount = unacknowledged ?? 0
  const isSame = before?.amount === amount && before.acks === acks
  return { amount, acks, since: isSame ? before.since : at }
}
