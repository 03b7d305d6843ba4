import { type Alarm, isEnd, occurrenceOf, problemOf, raisedAtOf, spellOf } from '../core/alarm.ts'
import type { ProblemState } from '../core/judge.ts'
import { problemId } from '../core/outcome.ts'
import type { EntryRecord } from '../core/store.ts'

/** When an occurrence ended, as somebody was told or is owed, wall milliseconds; null: nobody is. */
export type EndOf = (occurrence: string) => number | null

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

/** Whether the record knows a spell of this problem that was raised later, or ended after this one was raised. */
export function isInAnother(occurrence: string, { name, state }: EntryRecord, endOf: EndOf): boolean {
  const problem = problemOf(occurrence)
  const raisedAt = raisedAtOf(occurrence)
  return (state.raises[problem.slice(name.length + 1)] ?? []).some((at) => {
    return at > raisedAt || (at < raisedAt && (endOf(spellOf(problem, at)) ?? 0) >= raisedAt)
  })
}

/** Whether an occurrence is a spell of a problem that the record knows under another name. */
export function isOvertaken(occurrence: string, record: EntryRecord): boolean {
  return raisedIn(record).some(([, problem]) => {
    const known = occurrenceOf(record.name, problem)
    return known !== occurrence && problemOf(known) === problemOf(occurrence)
  })
}
