import type { Remembered, StepContext } from '../../core/story.ts'

/** Later than this, something happened to the watch itself: what it saw before says nothing about the time between. */
const lateness = 30_000

/** Whether the last telling is no further back than one that is told every so often leaves it. */
export function isWatching(before: Remembered<unknown>, now: number, every: number): boolean {
  return now >= before.at && now - before.at <= every + lateness
}

/**
 * For how long each of these facts has held, in milliseconds: what is not worth a word while it is short. Takes the
 * step's memory for itself.
 */
export function lasting(
  { now, recall, remember }: Pick<StepContext, 'now' | 'recall' | 'remember'>,
  facts: readonly string[],
  every: number,
): (fact: string) => number {
  const at = now()
  const before = recall<Readonly<Record<string, number>>>()
  const known = new Map(before !== null && isWatching(before, at, every) ? Object.entries(before.value) : [])
  const since = new Map(facts.map((fact) => [fact, Math.min(at, known.get(fact) ?? at)]))
  remember(Object.fromEntries(since))
  return (fact) => at - (since.get(fact) ?? at)
}
