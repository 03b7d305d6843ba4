import type { DatabaseSync } from 'node:sqlite'
import type { Trial } from '../core/judge.ts'
import type {
  Approval,
  Commit,
  CureBegin,
  CureRecord,
  EntryRecord,
  Fence,
  Happening,
  Kept,
} from '../core/store.ts'
import { adoption } from './adoption.ts'
import { outboxActs } from './outbox.ts'
import { reconciled } from './reconcile.ts'
import { parse, transactionsOn } from './transaction.ts'

/**
 * The acts of the store on one SQLite database, each in one transaction. What they read and write is JSON that this
 * program wrote, so rows are trusted.
 */
export function sqliteActs(db: DatabaseSync) {
  const sql = (text: string) => db.prepare(text)
  const { atomically, plainly } = transactionsOn(db)
  const { owe, takeOver, endOf, isTold, hasLeft, isKnown, markSettled, waitingOf, forget, ...outbox } =
    outboxActs(db, atomically)

  function tell(happenings: readonly Happening[]): void {
    const line = sql(`INSERT INTO timeline (at, entry, problem, kind, text) VALUES (?, ?, ?, ?, ?)`)
    for (const { at, entry, problem, kind, text } of happenings)
      line.run(at, entry, problem, kind, JSON.stringify(text))
  }

  function read(name: string): EntryRecord | null {
    const row = sql(`SELECT record FROM entry WHERE name = ?`).get(name)
    return row === undefined ? null : parse<EntryRecord>(row['record'])
  }

  function write(record: EntryRecord): void {
    sql(`INSERT INTO entry VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record`).run(
      record.name,
      JSON.stringify(record),
    )
  }

  return {
    ...outbox,

    nextEpoch(): number {
      return atomically({ epoch: Number.MAX_SAFE_INTEGER }, () => {
        const { value } = sql(`SELECT value FROM meta WHERE name = 'epoch'`).get() ?? {}
        const epoch = Number(value ?? 0) + 1
        sql(`INSERT OR REPLACE INTO meta VALUES ('epoch', ?)`).run(String(epoch))
        return epoch
      })
    },

    entry: read,

    entries(): EntryRecord[] {
      return sql(`SELECT record FROM entry ORDER BY rowid`)
        .all()
        .map((row) => parse<EntryRecord>(row['record']))
    },

    commit(fence: Fence, given: Commit): Commit {
      return atomically(fence, () => {
        const commit = reconciled(given, read(given.record.name), endOf)
        const { record, happenings, owed, isGone } = commit
        if (isGone === true) sql(`DELETE FROM entry WHERE name = ?`).run(record.name)
        else write(record)
        tell(happenings)
        for (const alarm of owed) owe(alarm)
        return commit
      })
    },

    adopt(fence: Fence, kept: Kept): readonly string[] {
      return atomically(fence, () => {
        const known = { entry: read, alarm: isKnown, endOf, isTold, hasLeft }
        const { records, taken, declined, owed, isForgotten } = adoption(kept, known)
        const needless = isForgotten === null ? [] : waitingOf(isForgotten)
        for (const record of records) write(record)
        for (const one of taken) takeOver(one)
        for (const one of kept.outgoing) markSettled(one, kept.overrules === true)
        forget(needless)
        tell(kept.happenings)
        for (const end of owed) owe(end)
        return declined
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
      plainly(() => {
        sql(`DELETE FROM timeline WHERE at < ?`).run(before)
        sql(`DELETE FROM cure WHERE at < ?`).run(before)
        sql(`DELETE FROM approval WHERE until < ?`).run(before)
        sql(`
          DELETE FROM outbox WHERE status IN ('sent', 'failed') AND settled_at < ?
          AND occurrence NOT IN (${openOccurrences})
        `).run(before)
      })
    },
  }
}

export type SqliteActs = ReturnType<typeof sqliteActs>

/** The occurrences of problems that are raised now: whoever was told of them must still be known when they recover. */
const openOccurrences = `
  SELECT entry.name || '/' || problem.key || '@' ||
    strftime('%Y-%m-%dT%H:%M:%fZ', (problem.value ->> 'raisedAt') / 1000.0, 'unixepoch')
  FROM entry, json_each(entry.record, '$.state.problems') AS problem
  WHERE problem.value ->> 'phase' = 'raised'
`
