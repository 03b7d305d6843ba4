import { count, duration, type Problem, say, seconds, type Text, z } from 'healthz'
import { isStarting } from './grace.ts'
import { admitHidden, isOneOf, type Queue } from './queues.ts'
import { rebalance } from './rebalance.ts'
import { step } from './target.ts'

const limits = z.strictObject({
  max: z.int().min(0).default(10_000),
  queues: z
    .record(z.string(), z.union([z.int().min(0), z.strictObject({ times: z.number(), of: z.string() })]))
    .meta({ description: 'another limit for these, by name: a number, or so many times another queue' })
    .default({}),
  grace: duration('2m'),
})

type Limits = z.output<typeof limits>

/** No queue is long and stays long. */
export const backlog = step({
  title: say`no queue piles up`,
  limits,
  cures: [{ title: say`spread the queues evenly over the nodes that run`, consent: 'ask' }],
  async check(context) {
    const { target, options, limits, signal, note, recall, remember, grade, problem, cannotTell } = context
    const [list, starting] = await Promise.all([target.queues(signal), isStarting(context)])
    if (starting) return
    const queues = list.queues.filter(
      (queue) => queue.type !== 'stream' && !isOneOf(queue, options.deadLetter),
    )
    const before = recall<Lengths>()?.value ?? {}
    const after: Record<string, readonly number[]> = {}
    for (const queue of queues) {
      const max = limitOf(queue, limits, queues)
      if (queue.messages === null || max === null || queue.messages <= max / 2) continue
      const lengths = [...(before[queue.id] ?? []), queue.messages].slice(-remembered)
      after[queue.id] = lengths
      const severity = grade(queue.messages, { warning: max, critical: max * 10 }, queue.id)
      if (severity === null) continue
      const held = count(queue.messages, 'message')
      if (isShrinking(queue, lengths)) note(say`${queue.title} holds ${held} and shrinks: ${flowOf(queue)}`)
      else {
        problem({
          key: queue.id,
          severity: isDrained(queue) ? severity : 'critical',
          summary: say`${queue.title} holds ${held} (limit ${max}) and does not shrink: ${flowOf(queue)}`,
          ...detailsOf(queue),
          ...(await rebalance(target, queue, max, signal)),
        })
      }
    }
    remember(after)
    note(say`${count(sum(queues), 'message')} wait in ${count(queues.length, 'queue')}`)
    const blank = queues.filter(({ messages }) => messages === null).map(({ title }) => title)
    if (blank.length > 0)
      cannotTell(list.uncounted ?? say`the broker does not yet know how long these queues are: ${blank}`)
    admitHidden(list, target.api, cannotTell)
  },
})

/** The lengths of the long queues at the last tellings. */
type Lengths = Readonly<Record<string, readonly number[]>>

const remembered = 3

/** Null where it depends on a queue that is not there. */
function limitOf(queue: Queue, { max, queues: own }: Limits, all: readonly Queue[]): number | null {
  const found = Object.entries(own).find(([pattern]) => isOneOf(queue, [pattern]))?.[1]
  if (found === undefined) return max
  if (typeof found === 'number') return found
  const other = all.find((candidate) => isOneOf(candidate, [found.of]))?.messages
  return other == null ? null : found.times * other
}

/** The broker's own rate counts only until there is a history: it looks back no further than a few seconds. */
function isShrinking({ growth }: Queue, lengths: readonly number[]): boolean {
  const [first = 0, ...rest] = lengths
  if (rest.length === remembered - 1) return (rest.at(-1) ?? first) < first
  return growth !== null && growth < 0
}

/** Whether messages are taken out of it, as far as the broker can say. */
const isDrained = ({ consumers, drain }: Queue) => (drain === null ? consumers !== 0 : drain > 0)

function flowOf({ consumers, growth, drain }: Queue): Text {
  const taken = drain === null ? say`at a rate unknown` : say`taking ${rounded(drain)} a second`
  const known = consumers === null ? say`its consumers not yet known` : count(consumers, 'consumer')
  const takers = consumers === 0 ? say`nobody consumes` : say`${known}, ${taken}`
  if (growth === null) return takers
  return growth < 0
    ? say`${takers}, ${rounded(-growth)} fewer each second`
    : say`${takers}, ${rounded(growth)} more each second`
}

function detailsOf(queue: Queue): Pick<Problem, 'advice' | 'evidence'> {
  const { vhost, name, messages, unacknowledged, consumers, growth, drain } = queue
  return {
    advice: adviceOn(queue),
    evidence: {
      vhost,
      queue: name,
      messages,
      unacknowledged,
      consumers,
      growthPerSecond: growth,
      drainPerSecond: drain,
    },
  }
}

function adviceOn({ messages, consumers, drain }: Queue): Text {
  if (consumers === 0) return say`start a consumer of this queue`
  const speedUp = say`see in the logs of the consumers why they are slow, and start more of them`
  if (messages === null || drain === null || drain <= 0) return speedUp
  return say`${speedUp}; what is there now keeps them busy for ${seconds(messages / drain)}`
}

const rounded = (rate: number) => Math.round(rate * 10) / 10

const sum = (queues: readonly Queue[]) => queues.reduce((total, { messages }) => total + (messages ?? 0), 0)
