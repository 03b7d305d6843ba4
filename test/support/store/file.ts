import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What a store's file holds, read as another program would. Throws where the file is damaged. */
export function readStore(dir: string, file = 'state.db'): StoreFile {
  using db = new DatabaseSync(join(dir, file), { readOnly: true })
  const check = db.prepare('PRAGMA integrity_check').get()
  if (check?.['integrity_check'] !== 'ok') throw new Error(`the store is damaged: ${JSON.stringify(check)}`)
  const all = (sql: string) => db.prepare(sql).all()
  return {
    entries: all('SELECT name FROM entry').map((row) => String(row['name'])),
    outbox: all('SELECT occurrence, alarm, status, dedup_key FROM outbox ORDER BY id').map((row) => ({
      occurrence: String(row['occurrence']),
      kind: String(JSON.parse(String(row['alarm'])).kind),
      status: String(row['status']),
      dedupKey: String(row['dedup_key']),
    })),
    cures: all('SELECT trial FROM cure').map((row) => (row['trial'] === null ? null : String(row['trial']))),
  }
}

export interface StoreFile {
  /** The names of the entries that something is known of. */
  readonly entries: readonly string[]
  readonly outbox: readonly {
    readonly occurrence: string
    readonly kind: string
    readonly status: string
    readonly dedupKey: string
  }[]
  /** How each cure ended, as JSON; null: it has not. */
  readonly cures: readonly (string | null)[]
}
