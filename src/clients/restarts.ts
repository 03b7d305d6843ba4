/** What is remembered of something that runs, from look to look. Times are wall milliseconds. Plain JSON. */
export interface Run {
  /** What tells one run from the next: a start time, or a process id with its start. */
  readonly start: number | string
  readonly isUp: boolean
  /** When a new start was seen, the newest last. */
  readonly moves: readonly number[]
  /** How many looks in a row saw a new start, counted only where looks are too rare to see several in the window. */
  readonly streak: number
}

export interface Look {
  readonly at: number
  /** Milliseconds since the look before. */
  readonly gap: number
  readonly window: number
  /** How many restarts within the window are too many. */
  readonly restarts: number
}

/**
 * Counts restarts by looking at when something was started. Only a new start between two looks that both saw it up
 * counts: a start by a person, or of something that had given up, is none.
 */
export function countRestarts(
  before: Run | undefined,
  now: Pick<Run, 'start' | 'isUp'>,
  { at, gap, window, restarts }: Look,
): Run {
  if (before === undefined) return { ...now, moves: [], streak: 0 }
  const isMoved = before.isUp && now.isUp && before.start !== now.start
  const recent = before.moves.filter((move) => at - move <= window)
  const isRare = gap * restarts > window
  return {
    ...now,
    moves: isMoved ? [...recent, at].slice(-50) : recent,
    streak: isRare ? streakAfter(before.streak, isMoved) : before.streak,
  }
}

const streakAfter = (streak: number, isMoved: boolean) => (isMoved ? streak + 1 : 0)
