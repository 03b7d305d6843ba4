import { problemOf } from './alarm.ts'

/** An alarm that waits for its channel. `due` is wall milliseconds. */
export interface Waiting {
  readonly id: number
  readonly occurrence: string
  readonly due: number
}

/**
 * When each of these alarms of one channel, oldest first, may leave: none before an earlier one of the same problem.
 * A fault whose alarm has to be sent twice would else be read after its end, as if it had come back.
 */
export function turnsOf(waiting: readonly Waiting[]): ReadonlyMap<number, number> {
  const latest = new Map<string, number>()
  return new Map(
    waiting.map(({ id, occurrence, due }) => {
      const problem = problemOf(occurrence)
      const turn = Math.max(due, latest.get(problem) ?? due)
      latest.set(problem, turn)
      return [id, turn]
    }),
  )
}
