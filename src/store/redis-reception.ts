import { type Alarm, endKeysOf } from '../core/alarm.ts'
import type { Known } from './adoption.ts'
import { isUnderWay, type KeptAlarm } from './reception.ts'
import type { StoreKeys } from './redis-keys.ts'
import { type Call, readHash } from './redis-read.ts'
import { type HeldRow, heldIn, newRow, parse, rowsIn, sawOpen } from './redis-rows.ts'
import type { Draft } from './redis-transaction.ts'
import { endIn } from './spells.ts'

/*
 * What the outbox over Redis does when the store takes over what another one kept; all for inside an act.
 */

/** What is known of these occurrences. */
export async function look(
  draft: Draft,
  keys: StoreKeys,
  call: Call,
  occurrences: readonly string[],
): Promise<Pick<Known, 'endOf' | 'isTold' | 'hasLeft'>> {
  const rows = rowsIn(draft, keys, call)
  await rows.loadPlaces(occurrences)
  const idsOf = (occurrence: string) => rows.placesOf(occurrence).map(([id]) => id)
  const ends = (occurrence: string) => {
    const endKeys = endKeysOf(occurrence)
    return rows.placesOf(occurrence).flatMap(([id, , key]) => (endKeys.includes(key) ? [`${id}`] : []))
  }
  await Promise.all([
    draft.load(keys.alarm, occurrences.flatMap(ends)),
    rows.loadIds(occurrences.flatMap(idsOf)),
  ])
  return {
    endOf: (occurrence) =>
      endIn(ends(occurrence).flatMap((id) => parse<Alarm>(draft.get(keys.alarm, id)) ?? [])),
    isTold: (occurrence) => idsOf(occurrence).length > 0,
    hasLeft: (occurrence) => idsOf(occurrence).some((id) => isUnderWay(rows.get(id))),
  }
}

interface Reception {
  /** Whether this very alarm is here for its channel. */
  knows(one: KeptAlarm): boolean
  /** Marks it as sent where it is known and was sent elsewhere; as given up too where whoever says so `overrules`. */
  markSettled(one: KeptAlarm, overrules: boolean): void
  /** Takes in one that is not known. */
  takeOver(one: KeptAlarm): Promise<void>
}

/** Makes ready to take over these. */
export async function reception(
  draft: Draft,
  keys: StoreKeys,
  call: Call,
  kept: readonly KeptAlarm[],
): Promise<Reception> {
  const rows = rowsIn(draft, keys, call, Math.max(1, kept.length))
  await rows.load(kept.map(({ alarm }) => alarm))
  return {
    knows: ({ channel, alarm }) => rows.has(channel, alarm),
    markSettled({ channel, alarm, status, error, settledAt }, overrules) {
      const known = rows.find(channel, alarm)
      const isNews = known !== null && known.status !== 'sent' && known.status !== status
      if (isNews && (status === 'sent' || (status === 'failed' && overrules)))
        rows.change(known, { status, error, settledAt })
    },
    async takeOver({ alarm, ...told }) {
      const status = told.status === 'sending' ? 'pending' : told.status
      const row = newRow(told.channel, alarm, { ...told, status, due: Math.round(told.due) })
      rows.insert({ ...row, id: await rows.nextId() }, JSON.stringify(alarm))
    },
  }
}

/** What waits of these occurrences. */
export async function waitingOf(
  draft: Draft,
  keys: StoreKeys,
  call: Call,
  isMeant: (occurrence: string) => boolean,
): Promise<readonly HeldRow[]> {
  const open = await readHash(call, keys.open)
  const pending = heldIn(open).filter(({ status }) => status === 'pending')
  const occurrences = pending.map(({ occurrence }) => occurrence)
  // Whether one is meant may depend on its end.
  await look(draft, keys, call, occurrences)
  const waiting = pending.filter(({ occurrence }) => isMeant(occurrence))
  for (const row of waiting) sawOpen(draft, keys, open, row)
  return waiting
}

/** Forgets those that still wait: this very act may have marked one as sent. */
export async function forgetThese(
  draft: Draft,
  keys: StoreKeys,
  call: Call,
  waiting: readonly HeldRow[],
): Promise<void> {
  const rows = rowsIn(draft, keys, call)
  const left = waiting.filter(({ id }) => draft.get(keys.open, `${id}`) !== null)
  await rows.loadPlaces(left.map(({ occurrence }) => occurrence))
  for (const row of left) rows.remove(row)
}
