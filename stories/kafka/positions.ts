import { CannotTell, ConnectionFailure, type Text } from 'healthz'
import type { Access } from './access.ts'
import type { Picture } from './picture.ts'

/** Where the log of a partition stands. */
export interface Position {
  readonly offset: number
  /** Of the message there, in milliseconds since 1970; -1 where it was not asked for or there is none. */
  readonly timestamp: number
}

export interface Positions {
  of(topic: string, partition: number): Position | undefined
  /** Why brokers did not answer. */
  readonly untold: readonly Text[]
}

/** Which place of the log: the end, the first message that is left, or the message with the newest timestamp. */
export const places = { end: -1n, start: -2n, newest: -3n } as const

interface Wanted {
  readonly topic: string
  readonly partition: number
}

/** Asks the leader of each partition. What has no leader is left out: another step tells of it. */
export async function readPositions(
  access: Pick<Access, 'to'>,
  picture: Pick<Picture, 'brokers' | 'topics'>,
  wanted: readonly Wanted[],
  place: keyof typeof places,
  signal: AbortSignal,
): Promise<Positions> {
  const leaders = new Map(
    picture.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ id, leader }) => [keyOf(name, id), leader] as const),
    ),
  )
  const byLeader = Map.groupBy(wanted, ({ topic, partition }) => leaders.get(keyOf(topic, partition)) ?? -1)
  const found = new Map<string, Position>()
  const untold = await Promise.all(
    [...byLeader].map(async ([leader, own]) => {
      const at = picture.brokers.get(leader)
      if (at === undefined) return null
      try {
        const link = await access.to(at, signal)
        const question = place === 'newest' ? link.questions.timestamps : link.questions.positions
        const { topics } = await link.ask(
          question,
          signal,
          anyReplica,
          uncommittedToo,
          askFor(own, places[place]),
        )
        for (const { name, partitions } of topics) {
          for (const { errorCode, partitionIndex, offset, timestamp } of partitions) {
            if (errorCode !== 0) continue
            found.set(keyOf(name, partitionIndex), { offset: Number(offset), timestamp: Number(timestamp) })
          }
        }
        return null
      } catch (error) {
        if (error instanceof ConnectionFailure) return error.summary
        if (error instanceof CannotTell) return error.reason
        throw error
      }
    }),
  )
  return {
    of: (topic, partition) => found.get(keyOf(topic, partition)),
    untold: untold.filter((reason) => reason !== null),
  }
}

const anyReplica = -1
const uncommittedToo = 0

function askFor(own: readonly Wanted[], timestamp: bigint) {
  return [...Map.groupBy(own, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition }) => ({
      partitionIndex: partition,
      currentLeaderEpoch: -1,
      timestamp,
    })),
  }))
}

const keyOf = (topic: string, partition: number) => `${topic} ${partition}`
