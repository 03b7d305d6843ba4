import { type Alarm, isEnd, occurrenceOf, problemOf, raisedAtOf, spellOf } from '../core/alarm.ts'
import type { ProblemState } from '../core/judge.ts'
import { problemId } from '../core/outcome.ts'
import type { EntryRecord } from '../core/store.ts'

/** When an occurrence ended, as somebody was told or is owed, wall milliseconds; null: nobody is. */
export type EndOf = (occurrence: string) => number | null

/** What is known of occurrences, by the store and by what it takes over. */
export interface Fame {
  readonly endOf: EndOf
  /** 2: an alarm of it may have reached people; 1: one waits; 0: there is none. */
  readonly reach: (occurrence: string) => number
  /** Whether people heard nothing of it, but of another that the record knows, in which it lies. */
  readonly isRepeat: (occurrence: string, record: EntryRecord) => boolean
}

export function endIn(words: readonly Alarm[]): number | null {
  const ends = words.filter(isEnd).map(({ at }) => at)
  return ends.length === 0 ? null : Math.max(...ends)
}

/** What the problem of an alarm is called in the record of its entry. */
export const idOf = ({ problem }: Alarm) => problemId(problem.step, problem.key)

export function raisedIn(record: EntryRecord | null): [id: string, problem: ProblemState][] {
  return Object.entries(record?.state.problems ?? {}).filter(([, { phase }]) => phase === 'raised')
}

/** The occurrences that a record knows. */
export function spellsOf(record: EntryRecord): readonly string[] {
  const { name, state } = record
  const raises = Object.entries(state.raises).flatMap(([id, times]) =>
    times.map((at) => spellOf(`${name}/${id}`, at)),
  )
  return [...raises, ...raisedIn(record).map(([, known]) => occurrenceOf(name, known))]
}

/** The spells of the same problem that the record knows, and that were raised later or ended after this one was raised. */
export function overlapping(
  occurrence: string,
  { name, state }: EntryRecord,
  endOf: EndOf,
): readonly string[] {
  const problem = problemOf(occurrence)
  if (!problem.startsWith(`${name}/`)) return []
  const raisedAt = raisedAtOf(occurrence)
  const raises = state.raises[problem.slice(name.length + 1)] ?? []
  const others = raises.filter((at) => at !== raisedAt).map((at) => spellOf(problem, at))
  const end = endOf(occurrence) ?? Number.POSITIVE_INFINITY
  return others.filter((other) =>
    raisedAtOf(other) > raisedAt ? raisedAtOf(other) <= end : (endOf(other) ?? 0) >= raisedAt,
  )
}

type Raises = EntryRecord['state']['raises']

/** Under which name (when it was raised, wall milliseconds) a spell goes on that was raised at other times too. */
export interface OneSpell {
  readonly name: number
  readonly others: readonly (number | null)[]
}

/** When problems were raised, as far as one of two records knows: a spell counts once, by problem the one of `spells`. */
export function raisesOf(a: Raises, b: Raises, spells: ReadonlyMap<string, OneSpell>): Raises {
  const ids = Object.keys({ ...a, ...b })
  return Object.fromEntries(
    ids.map((id) => {
      const { name, others } = spells.get(id) ?? { name: 0, others: [] }
      const times = [...(a[id] ?? []), ...(b[id] ?? [])].map((at) => (others.includes(at) ? name : at))
      return [id, [...new Set(times)].sort((one, other) => one - other)]
    }),
  )
}

/** Whether an occurrence is a spell of a problem that the record knows under another name. */
export function isOvertaken(occurrence: string, record: EntryRecord): boolean {
  return raisedIn(record).some(([, problem]) => {
    const known = occurrenceOf(record.name, problem)
    return known !== occurrence && problemOf(known) === problemOf(occurrence)
  })
}
