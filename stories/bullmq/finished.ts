/** What is known of a queue at one moment. */
export interface Tally {
  /** Wall milliseconds. */
  readonly at: number
  /** How many jobs were ever added. */
  readonly added: number
  /** How many of them are neither done nor failed. */
  readonly pending: number
}

/**
 * How many jobs ended between the first and the last tally: those that came, less those that are left over. 0 where
 * there is no history, or the counter began anew.
 */
export function finishedByCounter(tallies: readonly Tally[]): number {
  const [first] = tallies
  const last = tallies.at(-1)
  if (first === undefined || last === undefined) return 0
  const isNewLife = tallies.some(({ added }, index) => added < (tallies[index - 1]?.added ?? 0))
  return isNewLife ? 0 : Math.max(0, last.added - first.added - (last.pending - first.pending))
}
