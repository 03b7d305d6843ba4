import { DatabaseSync } from 'node:sqlite'
import { sqliteCode } from './sqlite-error.ts'

/**
 * Takes a store's lock for as long as this process lives. The lock is SQLite's own on a file beside the store, so the
 * operating system frees it when the process dies, however it dies.
 * @returns what frees it, or null where another process holds it.
 */
export function takeLock(file: string): Disposable | null {
  const db = new DatabaseSync(`${file}.lock`)
  try {
    // A journal in memory needs no room on a disk that is full.
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (sqliteCode(error) === 'busy') return null
    throw error
  }
  return { [Symbol.dispose]: () => db.close() }
}
