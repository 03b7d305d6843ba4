import type { EntryState } from '../core/judge.ts'
import type { Entry } from '../core/plan.ts'
import type { EntryRecord } from '../core/store.ts'

/**
 * How the entries of each kind fare at this moment: the cures ask it for the blast radius. What this process has
 * judged itself counts before it is written; what other nodes tell is read from their records. A round of this process
 * that is still looking is waited for, so that a mass failure is seen as one before the first cure.
 */
export interface Census {
  began(entry: Entry): void
  /** `at`: wall milliseconds of what was judged; null: the round came to nothing. */
  judged(entry: Entry, isBad: boolean, at: number | null): void
  /** Resolves when no entry of the kind is being looked at any more, or the signal aborts. */
  settled(kind: string, signal: AbortSignal): Promise<void>
  count(kind: string, records: readonly EntryRecord[]): { readonly bad: number; readonly all: number }
}

export const isBad = (state: EntryState) =>
  Object.values(state.problems).some(({ phase }) => phase === 'raised')

/** A census of these entries; all count as well until they were judged. */
export function createCensus(entries: readonly Pick<Entry, 'name' | 'kind'>[]): Census {
  const judgements = new Map<string, { readonly isBad: boolean; readonly at: number }>()
  const looking = new Map<string, { kind: string; done: PromiseWithResolvers<void> }>()
  return {
    began(entry) {
      looking.get(entry.name)?.done.resolve()
      looking.set(entry.name, { kind: entry.kind, done: Promise.withResolvers() })
    },
    judged(entry, isNowBad, at) {
      if (at === null) judgements.delete(entry.name)
      else judgements.set(entry.name, { isBad: isNowBad, at })
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
    count(kind, records) {
      const known = new Map(records.filter((one) => one.kind === kind).map((one) => [one.name, one]))
      const own = entries.filter((entry) => entry.kind === kind)
      const names = new Set([...own.map(({ name }) => name), ...known.keys()])
      const bad = [...names].filter((name) => {
        const [here, written] = [judgements.get(name), known.get(name)]
        if (written === undefined || (here !== undefined && here.at >= written.at))
          return here?.isBad === true
        return isBad(written.state)
      })
      return { all: names.size, bad: bad.length }
    },
  }
}
