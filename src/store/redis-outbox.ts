import type { Alarm, Owed } from '../core/alarm.ts'
import type { Backlog, Outgoing, Store } from '../core/store.ts'
import { turnsOf } from '../core/turn.ts'
import type { StoreKeys } from './redis-keys.ts'
import { batches, type Call, readFields, readHash, readRange, scanHash } from './redis-read.ts'
import {
  type HeldRow,
  heldIn,
  newRow,
  outgoing,
  type Place,
  parse,
  type Row,
  type Rows,
  rowsIn,
  sawOpen,
} from './redis-rows.ts'
import { tell } from './redis-timeline.ts'
import type { Draft, Transact } from './redis-transaction.ts'

type OutboxActs = Pick<
  Store,
  'claim' | 'settle' | 'alarms' | 'backlog' | 'resume' | 'reroute' | 'readdress'
> & {
  /** For inside an act. */
  owe(draft: Draft, owed: readonly Owed[]): Promise<void>
  forget(before: number, isOpen: (occurrence: string) => boolean): Promise<void>
}

/** The outbox over Redis: with redis-reception.ts it equals outbox.ts in all that it does. */
export function redisOutbox(call: Call, keys: StoreKeys, transact: Transact): OutboxActs {
  const readOpen = () => readHash(call, keys.open)

  return {
    async owe(draft, owed) {
      const expected = owed.reduce((sum, { to }) => sum + (to === 'told' ? 1 : to.length), 0)
      if (owed.length === 0) return
      const rows = rowsIn(draft, keys, call, Math.max(1, expected))
      await rows.load(owed.flatMap(({ alarm, otherwise = alarm }) => [alarm, otherwise]))
      for (const { alarm, to, due, otherwise } of owed) {
        const channels = to === 'told' ? rows.channelsOf(alarm.occurrence) : to
        for (const channel of channels) {
          const isWritten = await put(rows, channel, alarm, due)
          if (!isWritten && otherwise !== undefined) await put(rows, channel, otherwise, due)
        }
      }
    },

    claim: (fence, { channel, at, limit }) =>
      transact(fence, async (draft) => {
        const open = await readOpen()
        const pending = heldIn(open).filter(isPendingOn(channel))
        const turns = turnsOf(pending)
        const due = pending.filter(({ id }) => (turns.get(id) ?? at) <= at).slice(0, limit)
        const ids = due.map(({ id }) => `${id}`)
        const words = await readFields(call, keys.alarm, ids)
        const rows = rowsIn(draft, keys, call)
        return due.map((row, index): Outgoing => {
          const change = { status: 'sending', attempts: row.attempts + 1 } as const
          sawOpen(draft, keys, open, row)
          rows.change(row, change)
          // Without words it is gone since the row was read: the act will run again.
          return outgoing({ ...row, ...change }, words[index] ?? 'null')
        })
      }),

    settle: (fence, settlements) =>
      transact(fence, async (draft) => {
        const rows = rowsIn(draft, keys, call)
        await rows.loadIds(settlements.map(({ id }) => id))
        for (const settled of settlements) {
          const row = rows.get(settled.id)
          if (row === null) continue
          if (settled.result === 'retry') {
            rows.change(row, { status: 'pending', due: Math.round(settled.due), error: settled.error })
            continue
          }
          const { result, at, error = null } = settled
          rows.change(row, { status: result, error, settledAt: at })
          if (result !== 'sent') continue
          const { entry, occurrence: problem, channel: text } = row
          tell(draft, keys, [{ at, entry, problem, kind: 'told', text }])
        }
      }),

    async alarms(limit) {
      if (limit <= 0) return []
      // ZREVRANGE answers with a list of members.
      const ids = (await call('ZREVRANGE', keys.order, 0, limit - 1)) as string[]
      const hashes = [keys.open, keys.failed, keys.sent]
      const [words = [], ...states] = await Promise.all(
        [keys.alarm, ...hashes].map((hash) => readFields(call, hash, ids)),
      )
      return ids.flatMap((id, index) => {
        // Where it has moved on meanwhile, it was seen last where it is now.
        const row = parse<Row>(
          states.map((state) => state[index] ?? null).findLast((json) => json !== null) ?? null,
        )
        const alarm = words[index] ?? null
        return row === null || alarm === null ? [] : [outgoing({ ...row, id: Number(id) }, alarm)]
      })
    },

    async backlog(failedSince) {
      const [open, failed] = await Promise.all([readOpen(), scanHash(call, keys.failed)])
      const given = heldIn(failed)
      // What was given up between the two reads is in both.
      const waiting = heldIn(open).filter(({ id }) => !failed.has(`${id}`))
      const channels = new Set([...waiting, ...given].map(({ channel }) => channel))
      return [...channels].sort().map((channel): Backlog => {
        const on = waiting.filter((row) => row.channel === channel)
        const turns = [...turnsOf(on.filter(isPendingOn(channel))).values()]
        const lost = given.filter(
          (row) => row.channel === channel && row.settledAt !== null && row.settledAt >= failedSince,
        )
        return {
          channel,
          pending: on.length,
          failed: lost.length,
          oldest: least(on.map(({ createdAt }) => createdAt)),
          due: least(turns),
        }
      })
    },

    resume: (fence, channel) =>
      transact(fence, async (draft) => {
        const open = await readOpen()
        const rows = rowsIn(draft, keys, call)
        const isMeant = (row: Row) => channel === undefined || row.channel === channel
        for (const row of heldIn(open).filter((one) => one.status === 'sending' && isMeant(one))) {
          sawOpen(draft, keys, open, row)
          rows.change(row, { status: 'pending' })
        }
      }),

    reroute: (fence, { from, to, createdBefore, at }) =>
      transact(fence, async (draft) => {
        const open = heldIn(await readOpen()).filter(isPendingOn(from))
        const stuck = open.filter(({ createdAt, attempts }) => createdAt < createdBefore && attempts > 0)
        const failed = heldIn(await scanHash(call, keys.failed)).filter(({ channel }) => channel === from)
        return copyTo([to], await unknownTo(to, [...stuck, ...failed]), draft, { due: at })
      }),

    readdress: (fence, { from, to }) =>
      transact(fence, async (draft) => {
        const open = await readOpen()
        const left = heldIn(open).filter(isPendingOn(from))
        for (const row of left) sawOpen(draft, keys, open, row)
        await copyTo(to, left, draft)
        const rows = rowsIn(draft, keys, call)
        for (const row of left) rows.remove(row)
        return left.length
      }),

    async forget(before, isOpen) {
      const old: number[] = []
      for await (const id of readRange(call, keys.settled, ['-inf', `(${before}`])) old.push(Number(id))
      for (const ids of batches(old, 200)) {
        await transact(null, async (draft) => {
          const rows = rowsIn(draft, keys, call)
          await rows.loadIds(ids)
          const found = ids.flatMap((id) => rows.get(id) ?? [])
          const over = found.filter((row) => isSettledBefore(row, before) && !isOpen(row.occurrence))
          await rows.loadPlaces(over.map(({ occurrence }) => occurrence))
          for (const row of over) rows.remove(row)
        })
      }
    },
  }

  /**
   * Those of the rows that a channel does not know yet. It is asked for again and again what was handed over long
   * ago: a look without a check spares the others from waiting for it.
   */
  async function unknownTo(channel: string, held: readonly HeldRow[]): Promise<HeldRow[]> {
    const told = await readFields(
      call,
      keys.told,
      held.map(({ occurrence }) => occurrence),
    )
    return held.filter(({ dedupKey }, index) => {
      const places = parse<Place[]>(told[index] ?? null) ?? []
      return !places.some(([, on, key]) => on === channel && key === dedupKey)
    })
  }

  /** Owes the alarms of these rows to other channels too, where those do not know them yet. Returns how many. */
  async function copyTo(
    channels: readonly string[],
    held: readonly HeldRow[],
    draft: Draft,
    change: { readonly due?: number } = {},
  ): Promise<number> {
    const rows = rowsIn(draft, keys, call, Math.max(1, held.length * channels.length))
    await rows.loadPlaces(held.map(({ occurrence }) => occurrence))
    const words = await readFields(
      call,
      keys.alarm,
      held.map(({ id }) => `${id}`),
    )
    const inOrder = held
      .map((row, index) => ({ row, json: words[index] ?? null }))
      .sort((a, b) => a.row.id - b.row.id)
    let copied = 0
    for (const channel of channels) {
      for (const { row, json } of inOrder) {
        const alarm = parse<Alarm>(json)
        if (alarm === null || json === null || rows.has(channel, row)) continue
        const { due, createdAt } = { ...row, ...change }
        rows.insert({ ...newRow(channel, alarm, { due, createdAt }), id: await rows.nextId() }, json)
        copied++
      }
    }
    return copied
  }
}

/** Writes an alarm, or rewrites it while it waits. False where one with this key has already left. */
async function put(rows: Rows, channel: string, alarm: Alarm, due: number): Promise<boolean> {
  const known = rows.find(channel, alarm)
  if (known === null) {
    const row = newRow(channel, alarm, { due: Math.round(due) })
    rows.insert({ ...row, id: await rows.nextId() }, JSON.stringify(alarm))
    return true
  }
  if (known.status !== 'pending' || known.attempts > 0) return false
  rows.change(known, { due: Math.round(due) }, alarm)
  return true
}

const isPendingOn = (on: string) => (row: Row) => row.channel === on && row.status === 'pending'

const isSettledBefore = ({ status, settledAt }: Row, before: number) => {
  return (status === 'sent' || status === 'failed') && settledAt !== null && settledAt < before
}

function least(figures: readonly number[]): number | null {
  return figures.length === 0 ? null : figures.reduce((least, one) => Math.min(least, one))
}
