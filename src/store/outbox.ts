import type { DatabaseSync } from 'node:sqlite'
import { type Alarm, endKeysOf, type Owed } from '../core/alarm.ts'
import type { Backlog, Claim, Fence, Kept, Outgoing, Settlement } from '../core/store.ts'
import { turnsOf } from '../core/turn.ts'
import { endIn } from './spells.ts'
import { type Atomically, parse } from './transaction.ts'

/**
 * The outbox: alarms are owed, claimed, and settled when their channel took them. All but those
 * with a fence are for inside a transaction.
 */
export function outboxActs(db: DatabaseSync, atomically: Atomically) {
  const sql = (text: string) => db.prepare(text)

  function owe({ alarm, to, due, otherwise }: Owed): void {
    const channels = to === 'told' ? toldOf(alarm.occurrence) : to
    for (const channel of channels) {
      const isWritten = put(channel, alarm, due)
      if (!isWritten && otherwise !== undefined) put(channel, otherwise, due)
    }
  }

  /** Writes an alarm, or rewrites it while it waits. False where one with this key has already left. */
  function put(channel: string, alarm: Alarm, due: number): boolean {
    const { changes } = sql(`
      INSERT INTO outbox (channel, dedup_key, occurrence, alarm, created_at, due) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (channel, dedup_key) DO UPDATE SET alarm = excluded.alarm, due = excluded.due
        WHERE status = 'pending' AND attempts = 0
    `).run(channel, alarm.dedupKey, alarm.occurrence, JSON.stringify(alarm), alarm.at, Math.round(due))
    return changes > 0
  }

  /** Whether this very alarm, which another store kept, is here for its channel. */
  function isKnown({ channel, alarm }: Kept['outgoing'][number]): boolean {
    const known = sql(`SELECT 1 FROM outbox WHERE channel = ? AND dedup_key = ?`)
    return known.get(channel, alarm.dedupKey) !== undefined
  }

  /**
   * Marks an alarm as sent that another store has sent, and as given up what one that is right about it has; one that
   * is not here stays so.
   */
  function markSettled({ channel, alarm, ...one }: Kept['outgoing'][number], overrules: boolean): void {
    const { status, error, settledAt } = one
    if (status !== 'sent' && !(status === 'failed' && overrules)) return
    sql(`
      UPDATE outbox SET status = ?, error = ?, settled_at = ?
      WHERE channel = ? AND dedup_key = ? AND status <> 'sent' AND status <> ?
    `).run(status, error, settledAt, channel, alarm.dedupKey, status)
  }

  /** Takes over an alarm that another store kept and this one does not know. */
  function takeOver(kept: Kept['outgoing'][number]): void {
    sql(`
      INSERT INTO outbox
        (channel, dedup_key, occurrence, alarm, status, created_at, due, attempts, error, settled_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    `).run(
      kept.channel,
      kept.alarm.dedupKey,
      kept.alarm.occurrence,
      JSON.stringify(kept.alarm),
      kept.status === 'sending' ? 'pending' : kept.status,
      kept.createdAt,
      Math.round(kept.due),
      kept.attempts,
      kept.error,
      kept.settledAt,
    )
  }

  /** When an occurrence ended, as somebody was told or is owed; null: nobody is. */
  function endOf(occurrence: string): number | null {
    const words = sql(`SELECT alarm FROM outbox WHERE occurrence = ? AND dedup_key IN (?, ?)`)
    const [last = '', first = ''] = endKeysOf(occurrence)
    return endIn(words.all(occurrence, last, first).map((row) => parse<Alarm>(row['alarm'])))
  }

  /** Whether there is any alarm of an occurrence. */
  function isTold(occurrence: string): boolean {
    return toldOf(occurrence).length > 0
  }

  /** Whether an alarm of an occurrence was sent, or may have been. */
  function hasLeft(occurrence: string): boolean {
    const left = sql(
      `SELECT 1 FROM outbox WHERE occurrence = ? AND NOT (status = 'pending' AND attempts = 0)`,
    )
    return left.get(occurrence) !== undefined
  }

  /** The ids of what waits of these occurrences. */
  function waitingOf(isMeant: (occurrence: string) => boolean): readonly number[] {
    const waiting = sql(`SELECT id, occurrence FROM outbox WHERE status = 'pending'`).all()
    return waiting.filter(({ occurrence }) => isMeant(String(occurrence))).map(({ id }) => Number(id))
  }

  /** Forgets those that still wait. */
  function forget(ids: readonly number[]): void {
    const forgetting = sql(`DELETE FROM outbox WHERE status = 'pending' AND id = ?`)
    for (const id of ids) forgetting.run(id)
  }

  function toldOf(occurrence: string): string[] {
    return sql(`SELECT DISTINCT channel FROM outbox WHERE occurrence = ?`)
      .all(occurrence)
      .map((row) => String(row['channel']))
  }

  /** When each alarm that waits on a channel may leave, by id, oldest first. */
  function turnsOn(channel: string): ReadonlyMap<number, number> {
    const rows = sql(
      `SELECT id, occurrence, due FROM outbox WHERE channel = ? AND status = 'pending' ORDER BY id`,
    ).all(channel)
    return turnsOf(
      rows.map((row) => ({
        id: Number(row['id']),
        occurrence: String(row['occurrence']),
        due: Number(row['due']),
      })),
    )
  }

  return {
    owe,
    takeOver,
    markSettled,
    endOf,
    isTold,
    hasLeft,
    isKnown,
    waitingOf,
    forget,

    claim(fence: Fence, { channel, at, limit }: Claim): Outgoing[] {
      return atomically(fence, () => {
        const due = [...turnsOn(channel)].filter(([, turn]) => turn <= at).slice(0, limit)
        const mark = sql(`
          UPDATE outbox SET status = 'sending', attempts = attempts + 1 WHERE id = ? RETURNING *
        `)
        return due.flatMap(([id]) => mark.all(id).map(outgoing))
      })
    },

    settle(fence: Fence, settlements: readonly Settlement[]): void {
      atomically(fence, () => {
        const end = sql(`UPDATE outbox SET status = ?, error = ?, settled_at = ? WHERE id = ?`)
        const retry = sql(`UPDATE outbox SET status = 'pending', due = ?, error = ? WHERE id = ?`)
        const tell = sql(`
          INSERT INTO timeline (at, entry, problem, kind, text)
          SELECT ?, alarm ->> 'entry', occurrence, 'told', json_quote(channel) FROM outbox WHERE id = ?
        `)
        for (const settled of settlements) {
          if (settled.result === 'retry') {
            retry.run(Math.round(settled.due), settled.error, settled.id)
            continue
          }
          end.run(settled.result, settled.error ?? null, settled.at, settled.id)
          if (settled.result === 'sent') tell.run(settled.at, settled.id)
        }
      })
    },

    resume(fence: Fence, channel?: string): void {
      atomically(fence, () => {
        sql(
          `UPDATE outbox SET status = 'pending' WHERE status = 'sending' AND channel = coalesce(?, channel)`,
        ).run(channel ?? null)
      })
    },

    alarms(limit: number): Outgoing[] {
      return sql(`SELECT * FROM outbox ORDER BY id DESC LIMIT ?`).all(limit).map(outgoing)
    },

    backlog(failedSince: number): Backlog[] {
      return sql(`
        SELECT channel,
          SUM(status IN ('pending', 'sending')) AS pending,
          SUM(status = 'failed' AND settled_at >= ?) AS failed,
          MIN(CASE WHEN status IN ('pending', 'sending') THEN created_at END) AS oldest
        FROM outbox WHERE status <> 'sent' GROUP BY channel
      `)
        .all(failedSince)
        .map((row) => ({
          channel: String(row['channel']),
          pending: Number(row['pending']),
          failed: Number(row['failed']),
          oldest: row['oldest'] === null ? null : Number(row['oldest']),
          due: firstOf(turnsOn(String(row['channel']))),
        }))
    },

    reroute(
      fence: Fence,
      { from, to, createdBefore, at }: { from: string; to: string; createdBefore: number; at: number },
    ): number {
      return atomically(fence, () => {
        const copied = sql(`
          INSERT OR IGNORE INTO outbox (channel, dedup_key, occurrence, alarm, created_at, due)
          SELECT ?, dedup_key, occurrence, alarm, created_at, ? FROM outbox
          WHERE channel = ? AND ((status = 'pending' AND created_at < ? AND attempts > 0) OR status = 'failed')
          ORDER BY id
        `).run(to, at, from, createdBefore)
        return Number(copied.changes)
      })
    },

    readdress(fence: Fence, { from, to }: { from: string; to: readonly string[] }): number {
      return atomically(fence, () => {
        const copy = sql(`
          INSERT OR IGNORE INTO outbox (channel, dedup_key, occurrence, alarm, created_at, due)
          SELECT ?, dedup_key, occurrence, alarm, created_at, due FROM outbox
          WHERE channel = ? AND status = 'pending' ORDER BY id
        `)
        for (const channel of to) copy.run(channel, from)
        return Number(sql(`DELETE FROM outbox WHERE channel = ? AND status = 'pending'`).run(from).changes)
      })
    },
  }
}

function firstOf(turns: ReadonlyMap<number, number>): number | null {
  return turns.size === 0 ? null : turns.values().reduce((first, turn) => Math.min(first, turn))
}

function outgoing(row: Record<string, unknown>): Outgoing {
  return {
    id: Number(row['id']),
    channel: String(row['channel']),
    alarm: parse<Alarm>(row['alarm']),
    // The table's CHECK allows no other word.
    status: String(row['status']) as Outgoing['status'],
    createdAt: Number(row['created_at']),
    due: Number(row['due']),
    attempts: Number(row['attempts']),
    error: row['error'] === null ? null : String(row['error']),
    settledAt: row['settled_at'] === null ? null : Number(row['settled_at']),
  }
}
