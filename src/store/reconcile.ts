import { type Alarm, isEnd, occurrenceOf, ofSpell } from '../core/alarm.ts'
import type { Commit, EntryRecord } from '../core/store.ts'
import { type EndOf, idOf, raisedIn, raisesOf } from './spells.ts'

/*
 * One spell of a problem bears one name, whoever tells of it. Two nodes that cannot see each other's records raise it
 * each by itself; where their words meet in a store, the name that the store knows already is kept.
 */

/** The occurrences of which `reconciled` asks whether they are over. */
export function doubtful(commit: Commit, stored: EntryRecord | null): readonly string[] {
  return strangers(commit, stored).map(([, known]) => occurrenceOf(commit.record.name, known))
}

/**
 * A commit as it has to be written over a record that its writer may not have seen: what was raised meanwhile stays
 * raised, for the next telling to end it, and what the writer raised anew goes on under the known name. A record is not
 * forgotten while such a problem is left.
 */
export function reconciled(commit: Commit, stored: EntryRecord | null, endOf: EndOf): Commit {
  const { record } = commit
  const found = strangers(commit, stored).filter(
    ([, known]) => endOf(occurrenceOf(record.name, known)) === null,
  )
  if (stored === null || found.length === 0) return commit
  const spells = new Map(
    found.map(([id, { raisedAt, since }]) => [id, { name: raisedAt ?? since, others: timesOf(id, commit) }]),
  )
  const rename = (alarm: Alarm) => {
    const spell = spells.get(idOf(alarm))
    return spell === undefined ? alarm : ofSpell(alarm, spell.name)
  }
  const ended = new Set(commit.owed.filter(({ alarm }) => isEnd(alarm)).map(({ alarm }) => idOf(alarm)))
  const problems = { ...record.state.problems }
  for (const [id, known] of found) {
    const given = problems[id]
    if (given?.phase === 'raised') problems[id] = { ...given, raisedAt: known.raisedAt }
    else if (!ended.has(id)) problems[id] = known
  }
  const isLeft = found.some(([id]) => problems[id]?.phase === 'raised')
  const raises = raisesOf(stored.state.raises, record.state.raises, spells)
  return {
    ...commit,
    record: { ...record, state: { ...record.state, problems, raises } },
    ...(isLeft && { isGone: false }),
    owed: commit.owed.map(({ alarm, otherwise, ...to }) => ({
      ...to,
      alarm: rename(alarm),
      ...(otherwise !== undefined && { otherwise: rename(otherwise) }),
    })),
  }
}

/** When a problem was raised, by all that a commit says of it. */
function timesOf(id: string, { record, owed }: Commit): readonly (number | null)[] {
  const told = owed.filter(({ alarm }) => idOf(alarm) === id).map(({ alarm }) => alarm.problem.raisedAt)
  return [record.state.problems[id]?.raisedAt ?? null, ...told]
}

/** The raised problems of the stored record that the writer of a commit did not know as what they are. */
function strangers({ record, owed }: Commit, stored: EntryRecord | null) {
  const told = new Set(owed.map(({ alarm }) => alarm.occurrence))
  return raisedIn(stored).filter(([id, known]) => {
    const given = record.state.problems[id]
    const isKnown = given?.phase === 'raised' && given.raisedAt === known.raisedAt
    return !isKnown && !told.has(occurrenceOf(record.name, known))
  })
}
