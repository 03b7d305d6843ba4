import { count, type Problem, say, z } from 'healthz'
import { addConsumer, addTitle } from './add-consumer.ts'
import { queuesOf } from './answers.ts'
import { step } from './target.ts'
import { type Answers, type Broker, silentOf } from './workers.ts'

/** Somebody takes the tasks of every queue. */
export const uncovered = step({
  title: say`every queue with tasks has a worker`,
  limits: z.strictObject({
    addTo: z
      .record(z.string(), z.string())
      .meta({ description: 'the worker that a cure may tell to take from a queue, by the queue' })
      .default({}),
  }),
  confirm: 3,
  cures: [{ title: addTitle, consent: 'ask' }],
  async check({ target, options, limits, signal, note, problem, cannotTell }) {
    const answers = await target.ask('active_queues', signal)
    if (answers.replies.size === 0 && silentOf(answers) === 0) {
      note(say`no worker answers`)
      return
    }
    const left = await leftOf(target, options.queues, answers)
    const isUnsure = silentOf(answers) > 0
    for (const { queue, waiting } of isUnsure ? [] : left) {
      problem({
        key: queue,
        severity: 'critical',
        summary: say`${queue} holds ${count(waiting, 'task')}, and none of ${count(answers.replies.size, 'worker')} takes them`,
        advice: say`start a worker with -Q ${queue}, or add it to the queues of one that runs`,
        evidence: { queue, waiting, workers: answers.replies.size },
        ...cureOf(target, queue, answers, limits.addTo[queue]),
      })
    }
    if (isUnsure && left.length > 0) {
      cannotTell(
        say`${count(silentOf(answers), 'worker')} connected without an answer, which may take the tasks of ${left.map(({ queue }) => queue)}`,
      )
    }
  },
})

/** Queues with tasks that no worker which answers takes; on a RabbitMQ neither anybody else. */
async function leftOf(target: Broker, queues: readonly string[], answers: Answers) {
  const taken = new Set([...queuesOf(answers).values()].flat())
  const left = await Promise.all(
    queues
      .filter((queue) => !taken.has(queue))
      .map(async (queue) => ({ queue, depth: await target.depth(queue) })),
  )
  return left.flatMap(({ queue, depth }) =>
    depth !== null && depth.waiting > 0 && (depth.consumers ?? 0) === 0
      ? { queue, waiting: depth.waiting }
      : [],
  )
}

/** The only worker there is takes it, or the one that the entry names: another may not know the tasks. */
function cureOf(
  target: Broker,
  queue: string,
  { replies }: Answers,
  named: string | undefined,
): Pick<Problem, 'resolve'> {
  const [only, ...others] = replies.keys()
  const worker = named ?? (others.length === 0 ? only : undefined)
  return worker !== undefined && replies.has(worker) ? { resolve: addConsumer(target, queue, worker) } : {}
}
