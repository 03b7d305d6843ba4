import { type Alarm, alarmOf, isEnd, type Owed, occurrenceOf, raisedAtOf } from '../core/alarm.ts'
import { emptyState, type ProblemState } from '../core/judge.ts'
import type { EntryRecord, Kept } from '../core/store.ts'
import { say } from '../core/text.ts'
import {
  type EndOf,
  endIn,
  idOf,
  isOvertaken,
  type OneSpell,
  overlapping,
  raisedIn,
  raisesOf,
} from './spells.ts'

/*
 * How a store takes over what another one kept: the decision, for all stores.
 */

/** What is known of occurrences, by the store and by what it takes over. */
interface Fame {
  readonly endOf: EndOf
  /** 2: an alarm of it may have reached people; 1: one waits; 0: there is none. */
  readonly reach: (occurrence: string) => number
  /** Whether people heard nothing of it, but of another that the record knows, in which it lies. */
  readonly isRepeat: (occurrence: string, record: EntryRecord) => boolean
}

/**
 * The record of an entry after another one was taken over: the newer one, with the problems that only the older one
 * knows to be raised and whose end nobody was told. Whoever told the entry last did not know of them, and the next
 * telling has to end them in public. Those of which people heard nothing go where they heard of them by the other
 * record. What both hold as raised keeps the stored name, unless the other one has got further.
 */
function merged(stored: EntryRecord | null, given: EntryRecord, fame: Fame): EntryRecord {
  const { endOf, reach, isRepeat } = fame
  if (stored === null) return given
  const [older, newer] = given.at > stored.at ? [stored, given] : [given, stored]
  const problems = { ...newer.state.problems }
  const spells = new Map<string, OneSpell>()
  for (const [id, known] of raisedIn(newer)) {
    const isRaised = older.state.problems[id]?.phase === 'raised'
    const occurrence = occurrenceOf(older.name, known)
    if (endOf(occurrence) !== null || (!isRaised && isRepeat(occurrence, older))) delete problems[id]
  }
  for (const [id, known] of raisedIn(older)) {
    const other = problems[id]
    const occurrence = occurrenceOf(newer.name, known)
    if (endOf(occurrence) !== null) continue
    if (other?.phase === 'raised') {
      const [ours, its] = older === stored ? [known, other] : [other, known]
      const isFurther = reach(occurrenceOf(given.name, its)) > reach(occurrenceOf(stored.name, ours))
      const { raisedAt } = isFurther ? its : ours
      problems[id] = { ...other, raisedAt, toldAt: other.toldAt ?? known.toldAt }
      if (raisedAt !== null) spells.set(id, { name: raisedAt, others: [known.raisedAt, other.raisedAt] })
    } else if (!isRepeat(occurrence, newer)) problems[id] = known
  }
  const raises = raisesOf(older.state.raises, newer.state.raises, spells)
  return { ...newer, state: { ...newer.state, problems, raises } }
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
  readonly endOf: EndOf
  /** Whether there is any alarm of an occurrence. */
  readonly isTold: (occurrence: string) => boolean
  /** Whether any of them was sent, or may have been. */
  readonly hasLeft: (occurrence: string) => boolean
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
  const words = Map.groupBy(outgoing, ({ alarm }) => alarm.occurrence)
  const of = (occurrence: string) => words.get(occurrence) ?? []
  const endOf: EndOf = (occurrence) =>
    known.endOf(occurrence) ?? endIn(of(occurrence).map(({ alarm }) => alarm))
  const isTold = (occurrence: string) => known.isTold(occurrence) || of(occurrence).length > 0
  const isHeard = (occurrence: string) =>
    known.isTold(occurrence) || of(occurrence).some(({ status }) => status === 'sent')
  const isRepeat = (occurrence: string, record: EntryRecord) =>
    !isHeard(occurrence) && overlapping(occurrence, record, endOf).some(isHeard)
  const reach = (occurrence: string) => {
    const hasLeft = known.hasLeft(occurrence) || of(occurrence).some(isUnderWay)
    return hasLeft ? 2 : isTold(occurrence) ? 1 : 0
  }
  const fame = { endOf, reach, isRepeat }
  const written = new Map<string, EntryRecord>()
  const read = (name: string) => written.get(name) ?? known.entry(name)
  for (const given of records) {
    const stored = read(given.name)
    if (overrules && stored !== null && stored.at > given.at) continue
    written.set(given.name, honest(overrules ? given : merged(stored, given, fame), isTold))
  }
  const taken = new Map<string, KeptAlarm>()
  const refused = new Set<string>()
  const owed: Owed[] = []
  for (const kept of outgoing) {
    const { entry, dedupKey, occurrence } = kept.alarm
    const id = `${dedupKey} ${kept.channel}`
    if (taken.has(id) || needless.includes(occurrence) || known.alarm(kept)) continue
    const stored = read(entry)
    if (overrules) {
      if (isWaiting(kept) && stored !== null && isOvertaken(occurrence, stored)) refused.add(occurrence)
      else taken.set(id, kept)
      continue
    }
    const { isTaken, record, end } = received(kept, stored, fame)
    if (isTaken) taken.set(id, kept)
    else refused.add(occurrence)
    if (end !== null) owed.push({ alarm: end, to: [kept.channel], due: kept.due })
    if (record !== null) written.set(entry, record)
  }
  const left = new Set(written.values().flatMap((record) => namesLeft(known.entry(record.name), record)))
  const isToldOtherwise = (occurrence: string, record: EntryRecord) =>
    isOvertaken(occurrence, record) ||
    (reach(occurrence) < 2 && overlapping(occurrence, record, endOf).some(isHeard))
  const isForgotten = (occurrence: string) =>
    needless.includes(occurrence) ||
    (endOf(occurrence) === null &&
      (left.has(occurrence) ||
        (overrules && written.values().some((record) => isToldOtherwise(occurrence, record)))))
  return {
    records: [...written.values()],
    taken: [...taken.values()],
    declined: [...refused],
    owed,
    isForgotten: overrules || needless.length + left.size > 0 ? isForgotten : null,
  }
}

/** The names that raised problems had and have no more. */
function namesLeft(before: EntryRecord | null, after: EntryRecord): readonly string[] {
  return raisedIn(before).flatMap(([id, { raisedAt }]) => {
    const now = after.state.problems[id]
    const isRenamed = now?.phase === 'raised' && now.raisedAt !== raisedAt
    return isRenamed ? [occurrenceOf(after.name, { ...now, raisedAt })] : []
  })
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
const declined: Reception = { ...asItIs, isTaken: false }

/**
 * An alarm that is taken over tells of its problem too, where the record of its entry knows nothing of it. One that
 * waits, of a problem that people have heard of since, is not needed.
 */
function received(one: KeptAlarm, stored: EntryRecord | null, fame: Fame): Reception {
  const { alarm } = one
  const known = stored?.state.problems[idOf(alarm)]
  const isRaised =
    stored !== null && known?.phase === 'raised' && fame.endOf(occurrenceOf(stored.name, known)) === null
  if (isRaised && occurrenceOf(stored.name, known) !== alarm.occurrence)
    return receivedBeside(one, known, stored, fame)
  if (
    isWaiting(one) &&
    !isOwedEnd(one, fame) &&
    stored !== null &&
    !isRaised &&
    fame.isRepeat(alarm.occurrence, stored)
  )
    return declined
  if (isRaised || isEnd(alarm) || fame.endOf(alarm.occurrence) !== null) return asItIs
  return { ...asItIs, record: standing(alarm, stored) }
}

/** The same where the record has the problem under another name: the one that has got further stays. */
function receivedBeside(one: KeptAlarm, known: ProblemState, stored: EntryRecord, fame: Fame): Reception {
  const { endOf, reach } = fame
  const { alarm, status } = one
  const name = occurrenceOf(stored.name, known)
  const isOver = isEnd(alarm) || endOf(alarm.occurrence) !== null
  if (!isOver && reach(alarm.occurrence) > reach(name))
    return { ...asItIs, record: renamed(alarm, known, stored) }
  const isEarlier = (endOf(alarm.occurrence) ?? Number.POSITIVE_INFINITY) < raisedAtOf(name)
  if (isWaiting(one) && reach(name) > 0 && !isEarlier && !isOwedEnd(one, fame)) return declined
  return isOver || status !== 'sent' ? asItIs : { ...asItIs, end: superseded(alarm) }
}

/** The end of a spell that people heard of. */
const isOwedEnd = ({ alarm }: KeptAlarm, { reach }: Fame) => isEnd(alarm) && reach(alarm.occurrence) === 2

const isWaiting = ({ status }: KeptAlarm) => status === 'pending' || status === 'sending'

/** Whether an alarm was sent, or may have been. */
export function isUnderWay(one: Pick<KeptAlarm, 'status' | 'attempts'> | null): boolean {
  return one !== null && (one.status !== 'pending' || one.attempts > 0)
}

function superseded({ entry: name, story: kind, title, tags, at, problem }: Alarm): Alarm {
  const summary = say`${problem.summary}; this goes on as another alarm`
  return alarmOf({ name, kind, title, tags }, { kind: 'withdrawn', at, problem: { ...problem, summary } })
}

/** The record with the problem of an alarm under the name that the alarm has. */
function renamed(alarm: Alarm, known: ProblemState, record: EntryRecord): EntryRecord {
  const id = idOf(alarm)
  const { raisedAt, since } = alarm.problem
  const toldAt = known.toldAt ?? alarm.at
  const problems = { ...record.state.problems, [id]: { ...known, raisedAt, toldAt } }
  const spells = new Map([[id, { name: raisedAt ?? since, others: [known.raisedAt] }]])
  const raises = raisesOf(record.state.raises, {}, spells)
  return { ...record, state: { ...record.state, problems, raises } }
}

/** The record with the problem of an alarm; where there was none, one that knows nothing else. */
function standing(alarm: Alarm, stored: EntryRecord | null): EntryRecord {
  const { entry: name, story: kind, title, at, problem } = alarm
  const record = stored ?? { name, kind, title, at, took: 0, state: emptyState, samples: {} }
  const problems = { ...record.state.problems, [idOf(alarm)]: { ...problem, phase: 'raised' as const } }
  return { ...record, state: { ...record.state, problems } }
}
