/** What a SQLite error means for the store, by SQLite's result codes (https://sqlite.org/rescode.html). */
export type SqliteCode = 'busy' | 'full' | 'broken' | 'unreachable' | 'other'

const codes: Readonly<Record<number, SqliteCode>> = {
  5: 'busy',
  6: 'busy',
  8: 'unreachable', // READONLY
  10: 'unreachable', // IOERR
  11: 'broken', // CORRUPT
  13: 'full',
  14: 'unreachable', // CANTOPEN
  26: 'broken', // NOTADB
}

/** The meaning of an error that node:sqlite threw; null for any other error. */
export function sqliteCode(error: unknown): SqliteCode | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  // IOERR_SHMSIZE: there is no room for the shared index of the journal.
  if (error.errcode === 4874) return 'full'
  // Extended codes keep the primary one in their lowest byte.
  return codes[error.errcode & 0xff] ?? 'other'
}
