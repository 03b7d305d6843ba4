import { say, type Text } from 'healthz'
import type { Partition, Picture } from './picture.ts'

/** A broker that should hold what others wait for. */
export interface Loss {
  readonly id: number
  /** Of how many of these partitions it is the replica that lags. */
  readonly partitions: number
  readonly isGone: boolean
}

/** The brokers that most of these partitions lack, the worst first. */
export function commonLoss(
  { brokers }: Picture,
  partitions: readonly Pick<Partition, 'replicas' | 'inSync' | 'leader'>[],
): readonly Loss[] {
  const lacking = partitions.flatMap(({ replicas, inSync, leader }) =>
    // The last one in sync of a partition without a leader is the one that is gone.
    replicas.filter((id) => !inSync.includes(id) || (leader < 0 && !brokers.has(id))),
  )
  return [...Map.groupBy(lacking, (id) => id)]
    .map(([id, own]) => ({ id, partitions: own.length, isGone: !brokers.has(id) }))
    .sort((a, b) => Number(b.isGone) - Number(a.isGone) || b.partitions - a.partitions)
}

/** What to do about them. */
export function wordsOnLoss(losses: readonly Loss[]): Text {
  const gone = losses.filter(({ isGone }) => isGone).map(({ id }) => `${id}`)
  if (gone.length > 0) return say`start the broker ${gone}`
  const slow = losses.slice(0, 5).map(({ id }) => `${id}`)
  if (slow.length === 0) return say`look into the logs of the brokers`
  return say`see in the log of the broker ${slow} why it does not keep up: its disk, its network or its load`
}
