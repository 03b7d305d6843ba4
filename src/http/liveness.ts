import type { Clock } from '../core/clock.ts'
import type { WatchmanEvent } from '../core/observer.ts'
import type { Entry } from '../core/plan.ts'

/** Whether rounds finish. That the loop turns is shown by the probe being answered at all. */
export interface Liveness {
  observe(event: WatchmanEvent): void
  /** Entries whose round has lasted longer than a round can. */
  stuck(): string[]
}

/** The time that cures may add to a round, in milliseconds. */
const cureAllowance = 900_000

export function createLiveness(entries: readonly Entry[], clock: Clock): Liveness {
  const longest = new Map(entries.map((entry) => [entry.name, longestRound(entry)]))
  const running = new Map<string, number>()
  return {
    observe(event) {
      switch (event.type) {
        case 'round-began':
          running.set(event.entry, clock.elapsed())
          return
        case 'round-ended':
        case 'round-failed':
        case 'round-interrupted':
          running.delete(event.entry)
      }
    },
    stuck() {
      const now = clock.elapsed()
      return [...running].flatMap(([name, began]) =>
        now - began > (longest.get(name) ?? cureAllowance) ? [name] : [],
      )
    },
  }
}

function longestRound({ policy, deadlines, confirmAfter }: Entry): number {
  const tellings = Math.max(policy.confirm, policy.clear, 5)
  return tellings * (deadlines.open + deadlines.story + confirmAfter) + cureAllowance
}
