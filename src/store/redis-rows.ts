import type { Alarm } from '../core/alarm.ts'
import type { Outgoing } from '../core/store.ts'
import type { StoreKeys } from './redis-keys.ts'
import type { Call } from './redis-read.ts'
import type { Draft } from './redis-transaction.ts'

/** What the outbox knows of one alarm beside its words. JSON. */
export interface Row extends Omit<Outgoing, 'id' | 'alarm'> {
  readonly dedupKey: string
  readonly occurrence: string
  readonly entry: string
  /** How often its words were changed: who has read both row and words knows by it that they belong together. */
  readonly edition: number
}

/** Where to find an alarm of an occurrence: its id, its channel and its dedup key. */
export type Place = readonly [id: number, channel: string, dedupKey: string]

export type HeldRow = Row & { readonly id: number }

type Named = Pick<Row, 'occurrence' | 'dedupKey'>

/** The rows of the outbox in a draft, with all that is kept to find them; `expected`: how many new ones there may be. */
export function rowsIn(draft: Draft, keys: StoreKeys, call: Call, expected = 1) {
  const states = [keys.open, keys.sent, keys.failed]
  let free = { next: 0, count: 0 }

  const hashOf = ({ status }: Pick<Row, 'status'>) => {
    return status === 'sent' || status === 'failed' ? keys[status] : keys.open
  }

  function write(row: HeldRow): void {
    const { id, ...kept } = row
    draft.set(hashOf(row), `${id}`, JSON.stringify(kept))
    if (hashOf(row) !== keys.open && row.settledAt !== null)
      draft.also('ZADD', keys.settled, row.settledAt, id)
  }

  const placesOf = (occurrence: string): Place[] => {
    return parse<Place[]>(draft.get(keys.told, occurrence)) ?? []
  }

  const placeOf = (channel: string, { occurrence, dedupKey }: Named) => {
    return placesOf(occurrence).find(([, on, key]) => on === channel && key === dedupKey)
  }

  async function loadPlaces(occurrences: readonly string[]): Promise<void> {
    await draft.load(keys.told, occurrences)
  }

  async function loadIds(ids: readonly number[]): Promise<void> {
    await Promise.all(states.map((hash) => draft.load(hash, ids.map(String))))
  }

  /** A row that was loaded; null: there is none. */
  function get(id: number): HeldRow | null {
    const found = states.map((hash) => draft.get(hash, `${id}`)).find((json) => json !== null)
    const row = parse<Row>(found ?? null)
    return row === null ? null : { ...row, id }
  }

  return {
    /** Makes ready for `has`, `placesOf`, `channelsOf`, `insert` and `remove`. */
    loadPlaces,

    /** Makes ready for `find` too. A dedup key belongs to one occurrence. */
    async load(alarms: readonly Named[]): Promise<void> {
      const occurrences = new Set(alarms.map(({ occurrence }) => occurrence))
      await loadPlaces([...occurrences])
      const wanted = new Set(alarms.map(({ dedupKey }) => dedupKey))
      const places = [...occurrences].flatMap(placesOf).filter(([, , dedupKey]) => wanted.has(dedupKey))
      await loadIds(places.map(([id]) => id))
    },

    /** Makes ready for `get`. */
    loadIds,

    get,

    has: (channel: string, named: Named): boolean => placeOf(channel, named) !== undefined,

    find(channel: string, named: Named): HeldRow | null {
      const place = placeOf(channel, named)
      return place === undefined ? null : get(place[0])
    },

    placesOf,

    /** Who was sent, or is to be sent, anything of an occurrence. */
    channelsOf: (occurrence: string): string[] => [
      ...new Set(placesOf(occurrence).map(([, channel]) => channel)),
    ],

    /** A number that no row had before: one that is not used in the end is lost. */
    async nextId(): Promise<number> {
      if (free.count === 0) {
        const last = Number(await call('HINCRBY', keys.ids, 'outbox', expected))
        free = { next: last - expected + 1, count: expected }
      }
      const { next, count } = free
      free = { next: next + 1, count: count - 1 }
      return next
    },

    insert(row: HeldRow, alarm: string): void {
      const { id } = row
      for (const hash of states) draft.saw(hash, `${id}`, null)
      write(row)
      draft.set(keys.alarm, `${id}`, alarm)
      draft.also('ZADD', keys.order, id, id)
      const place: Place = [id, row.channel, row.dedupKey]
      draft.set(keys.told, row.occurrence, JSON.stringify([...placesOf(row.occurrence), place]))
    },

    change(before: HeldRow, change: Partial<Row>, words?: Alarm): void {
      const edition = before.edition + (words === undefined ? 0 : 1)
      const row = { ...before, ...change, edition }
      if (hashOf(before) !== hashOf(row)) {
        draft.set(hashOf(before), `${row.id}`, null)
        if (hashOf(row) === keys.open) draft.also('ZREM', keys.settled, row.id)
      }
      write(row)
      if (words !== undefined) draft.set(keys.alarm, `${row.id}`, JSON.stringify(words))
    },

    remove(row: HeldRow): void {
      draft.set(hashOf(row), `${row.id}`, null)
      draft.set(keys.alarm, `${row.id}`, null)
      draft.also('ZREM', keys.order, row.id)
      draft.also('ZREM', keys.settled, row.id)
      const left = placesOf(row.occurrence).filter(([id]) => id !== row.id)
      draft.set(keys.told, row.occurrence, left.length === 0 ? null : JSON.stringify(left))
    },
  }
}

export type Rows = ReturnType<typeof rowsIn>

/** A row that is yet to be written. */
export function newRow(
  channel: string,
  alarm: Alarm,
  more: Pick<Row, 'due'> & Partial<Row>,
): Omit<HeldRow, 'id'> {
  return {
    channel,
    dedupKey: alarm.dedupKey,
    occurrence: alarm.occurrence,
    entry: alarm.entry,
    status: 'pending',
    createdAt: alarm.at,
    attempts: 0,
    error: null,
    settledAt: null,
    edition: 0,
    ...more,
  }
}

/** The rows of a hash, oldest first. */
export function heldIn(hash: ReadonlyMap<string, string>): HeldRow[] {
  // Written by `insert` or `change`, which take a Row.
  const rows = [...hash].map(([id, json]) => ({ ...(JSON.parse(json) as Row), id: Number(id) }))
  return rows.sort((a, b) => a.id - b.id)
}

/** Takes a row that is to be changed as it was read. */
export function sawOpen(
  draft: Draft,
  keys: StoreKeys,
  open: ReadonlyMap<string, string>,
  { id }: HeldRow,
): void {
  draft.saw(keys.open, `${id}`, open.get(`${id}`) ?? null)
}

export function outgoing(row: HeldRow, alarm: string): Outgoing {
  const { id, channel, status, createdAt, due, attempts, error, settledAt } = row
  // Written by `insert` or `change`, which take an Alarm.
  const words = JSON.parse(alarm) as Alarm
  return { id, channel, alarm: words, status, createdAt, due, attempts, error, settledAt }
}

/** Fields hold JSON that this program wrote from this very type. */
export function parse<Type>(json: string | null): Type | null {
  return json === null ? null : (JSON.parse(json) as Type)
}
