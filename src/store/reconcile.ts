import {
  type Alarm,
  alarmOf,
  isEnd,
  type Owed,
  occurrenceOf,
  ofSpell,
  problemOf,
  raisedAtOf,
} from '../core/alarm.ts'
import { emptyState, type ProblemState } from '../core/judge.ts'
import { problemId } from '../core/outcome.ts'
import type { Commit, EntryRecord, Kept } from '../core/store.ts'
import { say } from '../core/text.ts'

/*
 * One spell of a problem bears one name, whoever tells of it. Two nodes that cannot see each other's records raise it
 * each by itself; where their words meet in a store, the name that the store knows already is kept.
 */

/** Whether the end of an occurrence is owed already, or was told. */
export type IsOver = (occurrence: string) => boolean

/** The occurrences of which `reconciled` asks whether they are over. */
export function doubtful(commit: Commit, stored: EntryRecord | null): readonly string[] {
  return strangers(commit, stored).map(([, known]) => occurrenceOf(commit.record.name, known))
}

/**
 * A commit as it has to be written over a record that its writer may not have seen: what was raised meanwhile stays
 * raised, for the next telling to end it, and what the writer raised anew goes on under the known name.
 */
export function reconciled(commit: Commit, stored: EntryRecord | null, isOver: IsOver): Commit {
  const { record } = commit
  const found = strangers(commit, stored).filter(([, known]) => !isOver(occurrenceOf(record.name, known)))
  if (found.length === 0) return commit
  const names = new Map(found.map(([id, { raisedAt }]) => [id, raisedAt]))
  const rename = (alarm: Alarm) => {
    const raisedAt = names.get(problemId(alarm.problem.step, alarm.problem.key)) ?? null
    return raisedAt === null ? alarm : ofSpell(alarm, raisedAt)
  }
  const ended = new Set(commit.owed.filter(({ alarm }) => isEnd(alarm)).map(({ alarm }) => idOf(alarm)))
  const problems = { ...record.state.problems }
  for (const [id, known] of found) {
    const given = problems[id]
    if (given?.phase === 'raised') problems[id] = { ...given, raisedAt: known.raisedAt }
    else if (!ended.has(id)) problems[id] = known
  }
  return {
    ...commit,
    record: { ...record, state: { ...record.state, problems } },
    owed: commit.owed.map(({ alarm, otherwise, ...to }) => ({
      ...to,
      alarm: rename(alarm),
      ...(otherwise !== undefined && { otherwise: rename(otherwise) }),
    })),
  }
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

/**
 * The record of an entry after another one was taken over: the newer one, with the problems that only the older one
 * knows to be raised and whose end nobody was told. Whoever told the entry last did not know of them, and the next
 * telling has to end them in public. Those of which people heard nothing go where the other record has raised them
 * again: they heard of that.
 */
function merged(
  stored: EntryRecord | null,
  given: EntryRecord,
  isOver: IsOver,
  isHeard: IsOver,
): EntryRecord {
  if (stored === null) return given
  const [older, newer] = given.at > stored.at ? [stored, given] : [given, stored]
  const isNeedless = (known: ProblemState, other: EntryRecord) => {
    const occurrence = occurrenceOf(other.name, known)
    return !isHeard(occurrence) && isRaisedAgain(occurrence, other)
  }
  const problems = { ...newer.state.problems }
  for (const [id, known] of raisedIn(newer)) {
    if (older.state.problems[id]?.phase !== 'raised' && isNeedless(known, older)) delete problems[id]
  }
  for (const [id, known] of raisedIn(older)) {
    const other = problems[id]
    const name = stored.state.problems[id]
    if (other?.phase === 'raised') problems[id] = { ...other, raisedAt: name?.raisedAt ?? other.raisedAt }
    else if (!isOver(occurrenceOf(newer.name, known)) && !isNeedless(known, newer)) problems[id] = known
  }
  return { ...newer, state: { ...newer.state, problems, raises: raisesOf(older, newer) } }
}

/** When problems were raised, as far as one of the records knows. */
function raisesOf(a: EntryRecord, b: EntryRecord): EntryRecord['state']['raises'] {
  const ids = Object.keys({ ...a.state.raises, ...b.state.raises })
  return Object.fromEntries(
    ids.map((id) => {
      const both = new Set([...(a.state.raises[id] ?? []), ...(b.state.raises[id] ?? [])])
      return [id, [...both].sort((one, other) => one - other)]
    }),
  )
}

/** Whether a problem was raised once more after it was raised in this occurrence. */
function isRaisedAgain(occurrence: string, { name, state }: EntryRecord): boolean {
  const id = problemOf(occurrence).slice(name.length + 1)
  return state.raises[id]?.some((at) => at > raisedAtOf(occurrence)) ?? false
}

/**
 * The record with what it holds as told and no alarm bears out marked as untold: whoever had that alarm lost it, and
 * the next telling owes it again, under the same name.
 */
function honest(record: EntryRecord, isKnown: (occurrence: string) => boolean): EntryRecord {
  const unborne = raisedIn(record).filter(
    ([, problem]) => problem.toldAt !== null && !isKnown(occurrenceOf(record.name, problem)),
  )
  if (unborne.length === 0) return record
  const untold = unborne.map(([id, problem]) => [id, { ...problem, toldAt: null }] as const)
  const problems = { ...record.state.problems, ...Object.fromEntries(untold) }
  return { ...record, state: { ...record.state, problems } }
}

type KeptAlarm = Kept['outgoing'][number]

/** What a store knows that is to take over what another one kept. */
export interface Known {
  readonly entry: (name: string) => EntryRecord | null
  /** Whether it has this very alarm for this channel. */
  readonly alarm: (kept: KeptAlarm) => boolean
  readonly isOver: IsOver
  /** Whether there is any alarm of an occurrence. */
  readonly isTold: (occurrence: string) => boolean
}

/** What a store has to do to take over what another one kept. */
export interface Adoption {
  readonly records: readonly EntryRecord[]
  /** Alarms that it does not know yet. */
  readonly taken: readonly KeptAlarm[]
  /** The occurrences of alarms that it does not take, since people hear of their problem under another name. */
  readonly declined: readonly string[]
  /** What ends these for those who were told, where others are told of the problem under another name. */
  readonly owed: readonly Owed[]
  /** Whether what waits of an occurrence is to be forgotten; null: nothing is. */
  readonly isForgotten: ((occurrence: string) => boolean) | null
}

/** How a store takes over what another one kept. */
export function adoption(
  { records, outgoing, overrules = false, declined: needless = [] }: Kept,
  known: Known,
): Adoption {
  const ends = new Set(outgoing.filter(({ alarm }) => isEnd(alarm)).map(({ alarm }) => alarm.occurrence))
  const isOver: IsOver = (occurrence) => ends.has(occurrence) || known.isOver(occurrence)
  const words = new Set(outgoing.map(({ alarm }) => alarm.occurrence))
  const isTold: IsOver = (occurrence) => words.has(occurrence) || known.isTold(occurrence)
  const sent = new Set(
    outgoing.filter(({ status }) => status === 'sent').map(({ alarm }) => alarm.occurrence),
  )
  const isHeard: IsOver = (occurrence) => sent.has(occurrence) || known.isTold(occurrence)
  const written = new Map<string, EntryRecord>()
  const read = (name: string) => written.get(name) ?? known.entry(name)
  for (const given of records) {
    const stored = read(given.name)
    if (overrules && stored !== null && stored.at > given.at) continue
    written.set(given.name, honest(overrules ? given : merged(stored, given, isOver, isHeard), isTold))
  }
  const taken = new Map<string, KeptAlarm>()
  const declined = new Set<string>()
  const owed: Owed[] = []
  for (const kept of outgoing) {
    const { entry, dedupKey, occurrence } = kept.alarm
    const id = `${dedupKey} ${kept.channel}`
    if (taken.has(id) || needless.includes(occurrence) || known.alarm(kept)) continue
    const { isTaken, record, end } = received(kept, read(entry), isOver, isHeard)
    if (isTaken) taken.set(id, kept)
    else declined.add(occurrence)
    if (overrules) continue
    if (end !== null) owed.push({ alarm: end, to: [kept.channel], due: kept.due })
    if (record !== null) written.set(entry, record)
  }
  const isForgotten = (occurrence: string) =>
    needless.includes(occurrence) ||
    (overrules && written.values().some((record) => isOvertaken(occurrence, record)))
  return {
    records: [...written.values()],
    taken: [...taken.values()],
    declined: [...declined],
    owed,
    isForgotten: overrules || needless.length > 0 ? isForgotten : null,
  }
}

/** What becomes of an alarm that is taken over and not known yet. */
interface Reception {
  readonly isTaken: boolean
  /** The record that the problem stands in, if that has changed. */
  readonly record: EntryRecord | null
  /** What ends it for those who were told, where others are told of its problem under another name. */
  readonly end: Alarm | null
}

const asItIs: Reception = { isTaken: true, record: null, end: null }

/**
 * An alarm that is taken over tells of its problem too, where the record of its entry knows nothing of it. One that
 * waits, of a problem that people hear of under another name, or heard of since, is not needed.
 */
function received(
  { alarm, status }: KeptAlarm,
  stored: EntryRecord | null,
  isOver: IsOver,
  isHeard: IsOver,
): Reception {
  const { problem, occurrence } = alarm
  const known = stored?.state.problems[idOf(alarm)]
  const isRaised = stored !== null && known?.phase === 'raised'
  const isOther = isRaised && occurrenceOf(stored.name, known) !== occurrence
  const isLater = stored !== null && !isHeard(occurrence) && isRaisedAgain(occurrence, stored)
  const isWaiting = status === 'pending' || status === 'sending'
  if (isWaiting && (isOther || isLater)) return { ...asItIs, isTaken: false }
  if (isEnd(alarm) || isOver(occurrence)) return asItIs
  if (isOther) return { ...asItIs, end: status === 'sent' ? superseded(alarm) : null }
  return isRaised ? asItIs : { ...asItIs, record: standing(alarm, problem, stored) }
}

function superseded({ entry: name, story: kind, title, tags, at, problem }: Alarm): Alarm {
  const summary = say`${problem.summary}; this goes on as another alarm`
  return alarmOf({ name, kind, title, tags }, { kind: 'withdrawn', at, problem: { ...problem, summary } })
}

/** The record with the problem of an alarm; where there was none, one that knows nothing else. */
function standing(alarm: Alarm, problem: ProblemState, stored: EntryRecord | null): EntryRecord {
  const { entry: name, story: kind, title, at } = alarm
  const record = stored ?? { name, kind, title, at, took: 0, state: emptyState, samples: {} }
  const problems = { ...record.state.problems, [idOf(alarm)]: { ...problem, phase: 'raised' as const } }
  return { ...record, state: { ...record.state, problems } }
}

/** Whether an occurrence is a spell of a problem that the record knows under another name. */
function isOvertaken(occurrence: string, record: EntryRecord): boolean {
  return raisedIn(record).some(([, problem]) => {
    const known = occurrenceOf(record.name, problem)
    return known !== occurrence && problemOf(known) === problemOf(occurrence)
  })
}

function raisedIn(record: EntryRecord | null): [id: string, problem: ProblemState][] {
  return Object.entries(record?.state.problems ?? {}).filter(([, { phase }]) => phase === 'raised')
}

const idOf = ({ problem }: Alarm) => problemId(problem.step, problem.key)
