import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { render, say, type Text } from '../core/text.ts'
import { createTables, schemaVersion, tables, versionOf } from './schema.ts'
import { sqliteCode } from './sqlite-error.ts'

/** Thrown when a store file was written by a newer healthz. */
export class NewerStore extends Error {
  override readonly name = 'NewerStore'
  readonly reason: Text

  constructor(reason: Text) {
    super(render(reason))
    this.reason = reason
  }
}

/** A database in memory. */
export function openMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  createTables(db)
  return db
}

/**
 * Opens a store's file for writing. A file that is no sound database is set aside beside it, never deleted.
 * @returns the database and, where one was set aside, the path of the broken file.
 */
export function openFile(file: string, at: number): { db: DatabaseSync; setAside: string | null } {
  makeFolder(dirname(file))
  try {
    return { db: openSound(file), setAside: null }
  } catch (error) {
    if (sqliteCode(error) !== 'broken') throw error
    const aside = setAside(file, at)
    return { db: openSound(file), setAside: aside }
  }
}

/** Puts a store's file out of the way, where a person finds it. Returns where. */
export function setAside(file: string, at: number): string {
  const aside = `${file}.corrupt-${new Date(at).toISOString().replaceAll(':', '').slice(0, 17)}Z`
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  return aside
}

/** Makes a folder with those above it. Node's own way of that never ends where the file system says ENOENT (/proc, autofs). */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if (!existsSync(path)) throw error
  }
}

/** Opens a store's file to look at it, without a lock and without writing. */
export function openReadOnly(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: 2000 })
}

/**
 * Opens a store's file on a full disk, where nothing can be written beside it. Null where commits of a process that
 * died still wait in its journal: they could not be read that way.
 */
export function openOnFullDisk(file: string): DatabaseSync | null {
  const journal = statSync(`${file}-wal`, { throwIfNoEntry: false })
  if (journal !== undefined && journal.size > 0) return null
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return new DatabaseSync(url, { readOnly: true })
}

/** Opens a store's file that another process keeps, to write a line into it. */
export function openShared(file: string): DatabaseSync {
  return new DatabaseSync(file, { timeout: 2000 })
}

/** Writes all that one store holds into another, in one transaction. */
export function copyAll(from: DatabaseSync, to: DatabaseSync, only: readonly string[] = tables): void {
  to.exec('BEGIN IMMEDIATE')
  try {
    for (const table of only) {
      to.exec(`DELETE FROM ${table}`)
      const rows = from.prepare(`SELECT * FROM ${table}`).all()
      const [first] = rows
      if (first === undefined) continue
      const columns = Object.keys(first)
      const insert = to.prepare(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      )
      for (const row of rows) insert.run(...columns.map((column) => row[column] ?? null))
    }
    to.exec('COMMIT')
  } catch (error) {
    if (to.isTransaction) to.exec('ROLLBACK')
    throw error
  }
}

/** Opens and checks. WAL with full sync: what was committed survives a kill and a power cut. */
function openSound(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 2000 })
  try {
    refuseNewer(versionOf(db), file)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const check = db.prepare('PRAGMA quick_check(1)').get()
    if (check?.['quick_check'] !== 'ok') throw Object.assign(new Error('quick_check failed'), { errcode: 11 })
    createTables(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** @throws NewerStore */
export function refuseNewer(version: number | null, file: string): void {
  if (version === null || version <= schemaVersion) return
  throw new NewerStore(
    say`${file} was written by a newer healthz (store version ${version}, this one knows ${schemaVersion})`,
  )
}
