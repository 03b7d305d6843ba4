import { count, milliseconds, say, type Text } from 'healthz'
import { soloOf } from './answers.ts'
import type { Options } from './options.ts'
import { startTitle, startWorkers } from './programs.ts'
import { step } from './target.ts'
import { sum, waitingOf } from './waiting.ts'
import { type Answers, type Broker, silentOf } from './workers.ts'

/** What is remembered from one telling to the next. */
interface Seen {
  /** Workers that answer only between two tasks. */
  readonly solo: readonly string[]
  readonly waiting: number
}

/** The workers answer. */
export const ping = step({
  title: say`the workers answer`,
  confirm: 3,
  cures: [{ title: startTitle, consent: 'auto' }],
  async check({ target, options, signal, recall, remember, note, problem }) {
    const [answers, stats, queues] = await Promise.all([
      target.ask('ping', signal),
      target.ask('stats', signal),
      waitingOf(target, options),
    ])
    const before = recall<Seen>()?.value ?? { solo: [], waiting: 0 }
    const waiting = sum(queues.values())
    const silent = await listening(target, before.solo, answers)
    remember({ solo: [...new Set([...soloOf(stats), ...silent])].slice(0, mostSolo), waiting } satisfies Seen)
    // A solo pool is silent while it works: it works as long as nothing waits, or what waits becomes something else.
    const isMoving = waiting === 0 || waiting !== before.waiting
    const atWork = isMoving ? silent : []
    if (atWork.length > 0) note(say`${[...atWork]} are at work and answer later`)
    const names = [...answers.replies.keys()]
    const found = names.length + atWork.length
    note(say`${count(found, 'worker')} of Celery`)
    const missing = options.expectWorkers.filter(
      (name) => !answers.replies.has(name) && !atWork.includes(name),
    )
    const evidence = { answered: names.length, connected: answers.listeners, missing: missing.join(', ') }
    if (found === 0 && (missing.length > 0 || options.minWorkers > 0)) {
      problem({
        severity: 'critical',
        summary: say`no worker answers within ${milliseconds(options.answerWithin)}${connectedOf(answers)}${expectedOf(missing)}`,
        advice: adviceFor(target, answers),
        evidence,
        ...startWorkers(options, null),
      })
      return
    }
    for (const name of missing.slice(0, mostTold)) {
      const isThere = await target.mayListen(name, answers)
      problem({
        key: name,
        severity: 'warning',
        summary: isThere
          ? say`the worker ${name} may be connected, but does not answer within ${milliseconds(options.answerWithin)}`
          : say`the worker ${name} is not there`,
        advice: isThere ? hangs : goneFrom(target),
        evidence: { worker: name, answered: names.length, connected: answers.listeners },
        ...startWorkers(options, name),
      })
    }
    if (missing.length > mostTold) note(say`${missing.length - mostTold} more workers do not answer`)
    if (found < options.minWorkers) {
      problem({
        severity: 'warning',
        summary: say`only ${count(found, 'worker')} answered${connectedOf(answers)} (at least ${options.minWorkers} expected)`,
        advice: adviceFor(target, answers),
        evidence,
        ...startWorkers(options, null),
      })
    }
  },
})

/** So many are told one by one. */
const mostTold = 20
const mostSolo = 200

const gone = say`start the worker; its log says why it ended`
const refused = say`start the worker; if it runs, its log says why the broker refuses it: "transient_nonexcl_queues" (from RabbitMQ 4.3 on, unless permitted) wants a newer Celery with control_queue_exclusive and event_queue_exclusive, "global qos" wants Celery 5.5 or classic queues`
const hangs = say`see whether its process hangs or is stopped, and restart it`

/** A RabbitMQ lets a worker in and may then refuse its queues: it tries again for ever. */
const goneFrom = ({ redis }: Broker): Text => (redis === null ? refused : gone)

const adviceFor = (target: Broker, answers: Answers): Text =>
  silentOf(answers) > 0 ? hangs : goneFrom(target)

function connectedOf({ replies, listeners }: Answers): Text {
  const silent = (listeners ?? 0) - replies.size
  return silent > 0 ? say`, with ${count(listeners ?? 0, 'worker')} connected to the broker` : ''
}

const expectedOf = (missing: Options['expectWorkers']): Text =>
  missing.length === 0 ? '' : say` (expected: ${missing.slice(0, mostTold)})`

/** Those of the workers that do not answer, but may be connected. */
async function listening(
  target: Broker,
  workers: readonly string[],
  answers: Answers,
): Promise<readonly string[]> {
  const asked = workers.filter((name) => !answers.replies.has(name))
  const found = await Promise.all(asked.map((name) => target.mayListen(name, answers)))
  return asked
    .filter((_, index) => found[index])
    .slice(0, answers.listeners === null ? asked.length : silentOf(answers))
}
