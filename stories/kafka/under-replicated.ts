import { ConnectionFailure, count, duration, milliseconds, say, z } from 'healthz'
import { commonLoss, wordsOnLoss } from './loss.ts'
import { admitHidden, listOf, type Partition } from './picture.ts'
import { type Cluster, step } from './target.ts'

/** Since when each topic has had partitions that lack a replica. */
type Since = Readonly<Record<string, number>>

/** Every partition has all its copies. */
export const underReplicated = step({
  title: say`every partition has all its replicas in sync`,
  limits: z.strictObject({ after: duration('5m') }),
  async check({ target, options, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const picture = await target.picture(signal)
    const all = picture.topics.flatMap(({ partitions }) => partitions)
    const lacking = all.filter(({ inSync, replicas }) => inSync.length < replicas.length)
    const moving = lacking.length === 0 ? new Set<string>() : await reassigned(target, signal)
    const found = lacking.filter((partition) => !moving.has(keyOf(partition)))
    const before = recall<Since>()?.value ?? {}
    const since: Since = Object.fromEntries(found.map(({ topic }) => [topic, before[topic] ?? now()]))
    remember(since)
    if (moving.size > 0) note(say`on the way to other brokers: ${count(moving.size, 'partition')}`)
    if (found.length > 0) note(say`without all replicas: ${count(found.length, 'partition')}`)
    const lasting = found.filter(({ topic }) => now() - (since[topic] ?? now()) >= limits.after)
    if (lasting.length > 0) {
      const age = now() - Math.min(...lasting.map(({ topic }) => since[topic] ?? now()))
      const losses = commonLoss(picture, lasting)
      const [worst] = losses
      problem({
        severity: 'warning',
        summary: say`${lasting.length} of ${count(all.length, 'partition')} without all replicas for ${milliseconds(age)} (limit ${milliseconds(limits.after)}): ${listOf(lasting)}`,
        advice:
          worst === undefined
            ? wordsOnLoss(losses)
            : say`${wordsOnLoss(losses)}; ${worst.partitions} of them wait for the broker ${worst.id}`,
        evidence: {
          partitions: lasting.length,
          brokers: losses.map(({ id, partitions }) => `${id}: ${partitions}`).join(', '),
        },
      })
    }
    admitHidden(picture, options, cannotTell)
  },
})

const keyOf = ({ topic, id }: Pick<Partition, 'topic' | 'id'>) => `${topic} ${id}`

/** The partitions that get new replicas just now; none where this cannot be told, for it only excuses. */
async function reassigned(target: Cluster, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const moved = await readReassignments(target, signal)
  return new Set(
    moved.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ addingReplicas }) => addingReplicas.length > 0)
        .map(({ partitionIndex }) => keyOf({ topic: name, id: partitionIndex })),
    ),
  )
}

async function readReassignments(target: Cluster, signal: AbortSignal) {
  if (!target.link.knows(target.link.questions.reassignments)) return []
  try {
    using link = await target.apart(target.link.place, signal)
    const { errorCode, topics } = await link.ask(link.questions.reassignments, signal, 5000, null)
    return errorCode === 0 ? topics : []
  } catch (error) {
    if (error instanceof ConnectionFailure) return []
    throw error
  }
}
