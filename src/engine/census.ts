import type { Entry } from '../core/plan.ts'

/**
 * How the entries of each kind fare at this moment, in this process: the cures ask it for the blast radius. A round
 * that is still looking is waited for, so that a mass failure is seen as one before the first cure.
 */
export interface Census {
  began(entry: Entry): void
  judged(entry: Entry, isBad: boolean): void
  /** Resolves when no entry of the kind is being looked at any more, or the signal aborts. */
  settled(kind: string, signal: AbortSignal): Promise<void>
  count(kind: string): { readonly bad: number; readonly all: number }
}

/** A census of these entries; all count as well until they were judged. */
export function createCensus(entries: readonly Entry[]): Census {
  const bad = new Set<string>()
  const looking = new Map<string, { kind: string; done: PromiseWithResolvers<void> }>()
  return {
    began(entry) {
      looking.get(entry.name)?.done.resolve()
      looking.set(entry.name, { kind: entry.kind, done: Promise.withResolvers() })
    },
    judged(entry, isBad) {
      if (isBad) bad.add(entry.name)
      else bad.delete(entry.name)
      looking.get(entry.name)?.done.resolve()
      looking.delete(entry.name)
    },
    async settled(kind, signal) {
      const others = [...looking.values()].filter((one) => one.kind === kind).map((one) => one.done.promise)
      const aborted = Promise.withResolvers<void>()
      const abort = () => aborted.resolve()
      signal.addEventListener('abort', abort, { once: true })
      await Promise.race([Promise.all(others), aborted.promise])
      signal.removeEventListener('abort', abort)
    },
    count(kind) {
      const same = entries.filter((entry) => entry.kind === kind)
      return { all: same.length, bad: same.filter((entry) => bad.has(entry.name)).length }
    },
  }
}
