import type { DatabaseSync } from 'node:sqlite'

/** The version that this program writes. A file of a newer version is left alone and refused. */
export const schemaVersion = 1

/** Every table, in the order in which rows may be copied from one database to another. */
export const tables = ['meta', 'entry', 'outbox', 'timeline', 'cure', 'approval'] as const

/** Makes the tables where they are missing. */
export function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS entry (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS outbox (
      id INTEGER PRIMARY KEY,
      channel TEXT NOT NULL,
      dedup_key TEXT NOT NULL,
      occurrence TEXT NOT NULL,
      alarm TEXT NOT NULL,
      status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
      created_at INTEGER NOT NULL,
      due INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      error TEXT,
      settled_at INTEGER,
      UNIQUE (channel, dedup_key)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS outbox_open ON outbox (channel, due) WHERE status IN ('pending', 'sending');
    CREATE INDEX IF NOT EXISTS outbox_occurrence ON outbox (occurrence);
    CREATE TABLE IF NOT EXISTS timeline (
      id INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      entry TEXT NOT NULL,
      problem TEXT NOT NULL,
      kind TEXT NOT NULL,
      text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS timeline_entry ON timeline (entry, at);
    CREATE TABLE IF NOT EXISTS cure (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, begun TEXT NOT NULL, trial TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS cure_at ON cure (at);
    CREATE TABLE IF NOT EXISTS approval (
      entry TEXT NOT NULL,
      problem TEXT NOT NULL,
      approval TEXT NOT NULL,
      until INTEGER NOT NULL,
      PRIMARY KEY (entry, problem)
    ) STRICT;
  `)
  db.prepare(`INSERT OR IGNORE INTO meta VALUES ('version', ?)`).run(String(schemaVersion))
}

/** The version of an opened database; null where it has none yet. */
export function versionOf(db: DatabaseSync): number | null {
  const hasMeta = db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'meta'`).get() !== undefined
  if (!hasMeta) return null
  const row = db.prepare(`SELECT value FROM meta WHERE name = 'version'`).get()
  return row === undefined ? null : Number(row['value'])
}
