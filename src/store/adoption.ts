import { type Owed, occurrenceOf } from '../core/alarm.ts'
import type { EntryRecord, Kept } from '../core/store.ts'
import { isUnderWay, isWaiting, type KeptAlarm, received } from './reception.ts'
import {
  type EndOf,
  endIn,
  type Fame,
  isOvertaken,
  type OneSpell,
  overlapping,
  raisedIn,
  raisesOf,
} from './spells.ts'

/*
 * How a store takes over what another one kept: the decision, for all stores.
 */

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
  /** Whether what waited of an occurrence before is to be forgotten; null: nothing is. To be asked before anything is written. */
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
  const news = new Set(taken.values().map(({ alarm }) => alarm.occurrence))
  const isToldOtherwise = (occurrence: string, record: EntryRecord) =>
    isOvertaken(occurrence, record) ||
    (reach(occurrence) < 2 &&
      overlapping(occurrence, record, endOf).some((other) => isHeard(other) || news.has(other)))
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
