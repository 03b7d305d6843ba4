import { type Alarm, alarmOf, isEnd, occurrenceOf, raisedAtOf } from '../core/alarm.ts'
import { emptyState, type ProblemState } from '../core/judge.ts'
import type { EntryRecord, Kept } from '../core/store.ts'
import { say } from '../core/text.ts'
import { type Fame, idOf, raisesOf } from './spells.ts'

export type KeptAlarm = Kept['outgoing'][number]

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
export function received(one: KeptAlarm, stored: EntryRecord | null, fame: Fame): Reception {
  const { alarm } = one
  const known = stored?.state.problems[idOf(alarm)]
  const isRaised =
    stored !== null && known?.phase === 'raised' && fame.endOf(occurrenceOf(stored.name, known)) === null
  if (isRaised && occurrenceOf(stored.name, known) !== alarm.occurrence)
    return receivedBeside(one, known, stored, fame)
  const isRepeat = stored !== null && !isRaised && fame.isRepeat(alarm.occurrence, stored)
  if (isRepeat && isNeedless(one, fame)) return declined
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
  if (reach(name) > 0 && !isEarlier && isNeedless(one, fame)) return declined
  return isOver || status !== 'sent' ? asItIs : { ...asItIs, end: superseded(alarm) }
}

/** Whether nobody misses it where people hear of its problem otherwise: it waits, and ends nothing that they heard of. */
function isNeedless(one: KeptAlarm, { reach }: Fame): boolean {
  return isWaiting(one) && !(isEnd(one.alarm) && reach(one.alarm.occurrence) === 2)
}

export const isWaiting = ({ status }: KeptAlarm) => status === 'pending' || status === 'sending'

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
