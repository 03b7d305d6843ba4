import { count, milliseconds, type Problem, say, type Text } from 'healthz'
import type { Moment, Pace } from './pace.ts'
import { listOf } from './picture.ts'

/** How far a group is behind in a topic. */
export interface Lag {
  readonly group: string
  readonly topic: string
  /** Messages that wait, in all partitions. */
  readonly total: number
  /** What waited when this was told last; null at the first time. */
  readonly former: number | null
  readonly partitions: readonly PartitionLag[]
  /** Partitions where messages lie and it has never committed. */
  readonly unknown: number
  /** Whether the group has no members. */
  readonly isLeft: boolean
}

export interface PartitionLag {
  readonly topic: string
  readonly id: number
  readonly waiting: number
  readonly moments: readonly Moment[]
  readonly pace: Pace
}

/** What is wrong with it, the worst first; null where nothing is. `max` is the limit where it is too long. */
export function wordsOnLag(
  lag: Lag,
  { max, window }: { readonly max: number | null; readonly window: number },
): Pick<Problem, 'severity' | 'summary' | 'advice' | 'evidence'> | null {
  const { group, topic, total, partitions, isLeft } = lag
  const at = (pace: PartitionLag['pace']) => partitions.filter((partition) => partition.pace === pace)
  const evidence = { group, topic, lag: total, limit: max, members: !isLeft }
  const waiting = count(total, 'message')
  const still = at('still')
  if (still.length > 0) {
    return {
      severity: 'critical',
      summary: say`${group} has taken nothing from ${topic} for ${milliseconds(ageOf(still))} (limit ${milliseconds(window)}) while ${waiting} wait: ${listOf(still)}`,
      advice: isLeft
        ? say`the group has no members: start its consumers`
        : say`its consumers are there and commit nothing new: see in their logs whether they hang on a message`,
      evidence,
    }
  }
  const rewound = at('rewound')
  if (rewound.length > 0) {
    return {
      severity: 'warning',
      summary: say`${group} has gone back in ${topic} and reads again what it had read, ${waiting} in all: ${listOf(rewound)}`,
      advice: say`if nobody reset its offsets on purpose, look for consumers that fail before they commit`,
      evidence,
    }
  }
  const losing = at('losing')
  if (losing.length > 0) {
    return {
      severity: 'warning',
      summary: say`${group} falls behind in ${topic}: ${waiting} wait, and it never caught up within ${milliseconds(window)}: ${listOf(losing)}`,
      advice: moreConsumers(partitions.length),
      evidence,
    }
  }
  if (max === null) return null
  return {
    severity: 'warning',
    summary: say`${waiting} of ${topic} wait for ${group} (limit ${max}), ${directionOf(lag)}`,
    advice: isLeft ? say`the group has no members: start its consumers` : moreConsumers(partitions.length),
    evidence,
  }
}

/** For how long at least each of them has been so. */
function ageOf(partitions: readonly PartitionLag[]): number {
  return Math.min(
    ...partitions.map(({ moments }) => {
      const late = moments.filter(([, , waiting]) => waiting > 0)
      return (late.at(-1)?.[0] ?? 0) - (late[0]?.[0] ?? 0)
    }),
  )
}

function moreConsumers(partitions: number): Text {
  return say`see in the logs of its consumers why they are slow, or start more of them: up to ${count(partitions, 'partition')} can be read at once`
}

function directionOf({ total, former }: Lag): Text {
  if (former === null) return say`seen for the first time`
  if (total === former) return say`as many as before`
  return total > former ? say`${total - former} more than before` : say`${former - total} fewer than before`
}
