import type { DatabaseSync } from 'node:sqlite'
import type { Alarm, Owed } from '../core/alarm.ts'
import type { Trial } from '../core/judge.ts'
import {
  type Approval,
  type Backlog,
  type Claim,
  type Commit,
  type CureBegin,
  type CureRecord,
  type EntryRecord,
  type Fence,
  Fenced,
  type Happening,
  type Outgoing,
  type Settlement,
} from '../core/store.ts'
import { turnsOf } from '../core/turn.ts'

/**
 * The acts of the store on one SQLite database, each in one transaction. What they read and write is JSON that this
 * program wrote, so rows are trusted.
 */
export function sqliteActs(db: DatabaseSync) {
  const sql = (text: string) => db.prepare(text)

  function atomically<Result>(fence: Fence, act: () => Result): Result {
    db.exec('BEGIN IMMEDIATE')
    try {
      const { value } = sql(`SELECT value FROM meta WHERE name = 'epoch'`).get() ?? {}
      if (Number(value ?? 0) > fence.epoch) throw new Fenced(`epoch ${fence.epoch} was replaced by ${value}`)
      const result = act()
      db.exec('COMMIT')
      return result
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

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
    nextEpoch(): number {
      return atomically({ epoch: Number.MAX_SAFE_INTEGER }, () => {
        const { value } = sql(`SELECT value FROM meta WHERE name = 'epoch'`).get() ?? {}
        const epoch = Number(value ?? 0) + 1
        sql(`INSERT OR REPLACE INTO meta VALUES ('epoch', ?)`).run(String(epoch))
        return epoch
      })
    },

    entry(name: string): EntryRecord | null {
      const row = sql(`SELECT record FROM entry WHERE name = ?`).get(name)
      return row === undefined ? null : parse<EntryRecord>(row['record'])
    },

    entries(): EntryRecord[] {
      return sql(`SELECT record FROM entry ORDER BY rowid`)
        .all()
        .map((row) => parse<EntryRecord>(row['record']))
    },

    commit(fence: Fence, { record, happenings, owed, isGone }: Commit): void {
      atomically(fence, () => {
        if (isGone === true) sql(`DELETE FROM entry WHERE name = ?`).run(record.name)
        else {
          sql(
            `INSERT INTO entry VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record`,
          ).run(record.name, JSON.stringify(record))
        }
        const tell = sql(`INSERT INTO timeline (at, entry, problem, kind, text) VALUES (?, ?, ?, ?, ?)`)
        for (const { at, entry, problem, kind, text } of happenings)
          tell.run(at, entry, problem, kind, JSON.stringify(text))
        for (const alarm of owed) owe(alarm)
      })
    },

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

    /** Whatever was being sent when the last process died may or may not have arrived: it is sent again. */
    resumeSending(fence: Fence): number {
      return atomically(fence, () => {
        return Number(sql(`UPDATE outbox SET status = 'pending' WHERE status = 'sending'`).run().changes)
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

    beginCure(fence: Fence, begun: CureBegin): number {
      return atomically(fence, () => {
        sql(`DELETE FROM approval WHERE entry = ? AND problem = ?`).run(begun.entry, begun.problem)
        const { lastInsertRowid } = sql(`INSERT INTO cure (at, begun) VALUES (?, ?)`).run(
          begun.at,
          JSON.stringify(begun),
        )
        return Number(lastInsertRowid)
      })
    },

    endCure(fence: Fence, id: number, trial: Trial): void {
      atomically(fence, () => sql(`UPDATE cure SET trial = ? WHERE id = ?`).run(JSON.stringify(trial), id))
    },

    cures(since: number): CureRecord[] {
      return sql(`SELECT * FROM cure WHERE at >= ? ORDER BY id`)
        .all(since)
        .map((row) => ({
          ...parse<CureBegin>(row['begun']),
          id: Number(row['id']),
          trial: row['trial'] === null ? null : parse<Trial>(row['trial']),
        }))
    },

    approve(approval: Approval): void {
      sql(`INSERT OR REPLACE INTO approval VALUES (?, ?, ?, ?)`).run(
        approval.entry,
        approval.problem,
        JSON.stringify(approval),
        approval.until,
      )
    },

    approvals(at: number): Approval[] {
      return sql(`SELECT approval FROM approval WHERE until > ?`)
        .all(at)
        .map((row) => parse<Approval>(row['approval']))
    },

    timeline({ entry, limit }: { entry?: string; limit: number }): Happening[] {
      const rows =
        entry === undefined
          ? sql(`SELECT * FROM timeline ORDER BY id DESC LIMIT ?`).all(limit)
          : sql(`SELECT * FROM timeline WHERE entry = ? ORDER BY id DESC LIMIT ?`).all(entry, limit)
      return rows.map((row) => ({
        at: Number(row['at']),
        entry: String(row['entry']),
        problem: String(row['problem']),
        // Written by commit, which takes a Happening.
        kind: String(row['kind']) as Happening['kind'],
        text: parse<Happening['text']>(row['text']),
      }))
    },

    prune(before: number): void {
      db.exec('BEGIN IMMEDIATE')
      try {
        sql(`DELETE FROM timeline WHERE at < ?`).run(before)
        sql(`DELETE FROM cure WHERE at < ?`).run(before)
        sql(`DELETE FROM approval WHERE until < ?`).run(before)
        sql(`
          DELETE FROM outbox WHERE status IN ('sent', 'failed') AND settled_at < ?
          AND occurrence NOT IN (${openOccurrences})
        `).run(before)
        db.exec('COMMIT')
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
  }
}

function firstOf(turns: ReadonlyMap<number, number>): number | null {
  return turns.size === 0 ? null : turns.values().reduce((first, turn) => Math.min(first, turn))
}

export type SqliteActs = ReturnType<typeof sqliteActs>

/** The occurrences of problems that are raised now: whoever was told of them must still be known when they recover. */
const openOccurrences = `
  SELECT entry.name || '/' || problem.key || '@' ||
    strftime('%Y-%m-%dT%H:%M:%fZ', (problem.value ->> 'raisedAt') / 1000.0, 'unixepoch')
  FROM entry, json_each(entry.record, '$.state.problems') AS problem
  WHERE problem.value ->> 'phase' = 'raised'
`

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

/** Rows hold JSON that `commit` and its like wrote from this very type. */
function parse<Type>(json: unknown): Type {
  return JSON.parse(String(json)) as Type
}
