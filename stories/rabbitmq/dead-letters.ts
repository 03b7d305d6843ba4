import { count, say, z } from 'healthz'
import { admitHidden, isOneOf } from './queues.ts'
import { step } from './target.ts'

/** Few messages end where nobody could handle them, and no new ones. */
export const deadLetters = step({
  title: say`no new messages end as dead letters`,
  on: ({ deadLetter }) => deadLetter.length > 0,
  limits: z.strictObject({ max: z.int().min(0).default(10) }),
  confirm: 1,
  async check({ target, options, limits, signal, note, recall, remember, problem, cannotTell }) {
    const list = await target.queues(signal)
    const queues = list.queues.filter((queue) => isOneOf(queue, options.deadLetter))
    const before = recall<Readonly<Record<string, number>>>()?.value ?? {}
    const after: Record<string, number> = {}
    for (const { id, title, vhost, name, messages } of queues) {
      if (messages === null) continue
      // What lay there when it was seen first is old news; what came since counts until somebody took it out.
      const base = Math.min(before[id] ?? messages, messages)
      after[id] = base
      if (messages > base || messages > limits.max) {
        problem({
          key: id,
          severity: 'warning',
          summary: say`${title} holds ${count(messages, 'dead letter')}, ${messages - base} of them new (limit ${limits.max})`,
          advice: say`look at one of them for the reason, mend it, and send them again or take them out`,
          evidence: { vhost, queue: name, messages, fresh: messages - base },
        })
      }
    }
    remember(after)
    note(say`${count(queues.length, 'queue')} for dead letters`)
    const blank = queues.filter(({ messages }) => messages === null).map(({ title }) => title)
    if (blank.length > 0)
      cannotTell(list.uncounted ?? say`the broker does not yet know how long these queues are: ${blank}`)
    admitHidden(list, target.api, cannotTell)
  },
})
