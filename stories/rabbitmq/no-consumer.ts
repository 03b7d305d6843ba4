import { count, duration, milliseconds, say, z } from 'healthz'
import { admitHidden, isOneOf, isOrphan, type Queue } from './queues.ts'
import { step } from './target.ts'
import { startWorker } from './worker.ts'

/** No queue holds messages that nobody will ever take. */
export const noConsumer = step({
  title: say`no queue with messages has lost its consumers`,
  limits: z.strictObject({ after: duration('5m') }),
  cures: [{ title: say`start the worker's program with supervisord`, consent: 'auto' }],
  async check({ target, options, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const list = await target.queues(signal)
    const orphans = list.queues.filter(
      (queue) => isOrphan(queue) && queue.type !== 'stream' && !isOneOf(queue, options.deadLetter),
    )
    const before = recall<Readonly<Record<string, Orphan>>>()?.value ?? {}
    const after = Object.fromEntries(
      orphans.map((queue) => [queue.id, orphanOf(queue, before[queue.id], now())]),
    )
    remember(after)
    if (orphans.length > 0) note(say`nobody consumes from ${orphans.map(({ title }) => title)}`)
    for (const queue of orphans) {
      const age = now() - (after[queue.id]?.since ?? now())
      if (age < limits.after) continue
      const { worker } = options
      problem({
        key: queue.id,
        severity: 'critical',
        summary: say`${queue.title} holds ${count(queue.messages ?? 0, 'message')} and has had no consumer for ${milliseconds(age)} (limit ${milliseconds(limits.after)})`,
        advice: say`start the worker of ${queue.name}; if it runs, see in its log why it does not consume`,
        evidence: {
          vhost: queue.vhost,
          queue: queue.name,
          messages: queue.messages,
          since: after[queue.id]?.since ?? null,
        },
        ...(worker && isOneOf(queue, worker.queues) && { resolve: startWorker(worker, queue, target) }),
      })
    }
    const blank = list.queues.filter(({ consumers }) => consumers === null).map(({ title }) => title)
    if (blank.length > 0)
      cannotTell(list.uncounted ?? say`the broker does not yet know the consumers of these queues: ${blank}`)
    admitHidden(list, target.api, cannotTell)
  },
})

interface Orphan {
  readonly since: number
  readonly messages: number
}

/** Somebody took from it when it has become shorter. One that lay idle has had no consumer all that time. */
function orphanOf({ messages, idleSince }: Queue, before: Orphan | undefined, at: number): Orphan {
  const length = messages ?? 0
  const seen = before !== undefined && before.messages <= length ? before.since : at
  return { since: Math.min(seen, idleSince ?? at), messages: length }
}
