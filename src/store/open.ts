import { existsSync, globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../core/clock.ts'
import type { Fence, Store, Trouble } from '../core/store.ts'
import { say, type Text } from '../core/text.ts'
import {
  copyAll,
  makeFolder,
  openFile,
  openMemory,
  openOnFullDisk,
  openReadOnly,
  openShared,
  refuseNewer,
  setAside,
} from './database.ts'
import { takeLock } from './lock.ts'
import { versionOf } from './schema.ts'
import { type SqliteActs, sqliteActs } from './sqlite.ts'
import { sqliteCode } from './sqlite-error.ts'

/** Thrown when another process keeps the store. */
export class StoreInUse extends Error {
  override readonly name = 'StoreInUse'
  readonly file: string
  readonly pid: number | null

  constructor(file: string, pid: number | null) {
    super(`the store ${file} is in use${pid === null ? '' : ` by process ${pid}`}`)
    this.file = file
    this.pid = pid
  }
}

/** How long a file that refused a write is left alone before it is tried again, in milliseconds. */
const restAfterTrouble = 10_000

/** A store in memory: it ends with the process. */
export function memoryStore(): Store {
  return storeOn(openMemory(), { say: () => null, guard: (act, acts) => act(acts), close: () => {} })
}

/**
 * A store in memory that begins with what a file holds now: for looking at a platform beside the process that keeps
 * the file. The outbox stays with that process.
 */
export function borrowedStore(file: string): Store {
  const memory = openMemory()
  const kept = openReadOnly(file)
  try {
    copyAll(kept, memory, ['entry', 'cure', 'approval'])
  } finally {
    kept.close()
  }
  return storeOn(memory, { say: () => null, guard: (act, acts) => act(acts), close: () => {} })
}

/**
 * The store in a file, for one process at a time. While the file takes no writes (a full disk, a broken file), the
 * store goes on in memory, says so, and writes all back as soon as the file takes it again.
 * @throws StoreInUse where another process keeps it; NewerStore; SQLite's error where the file cannot be opened.
 */
export function fileStore(file: string, clock: Clock): Store {
  const first = openLocked(file, clock)
  let current = first.db
  let lastTry = clock.elapsed()
  let isAway = first.away
  /** The file holds what could not be read when it failed: it must not be written over. */
  let isUnread = false

  const goToMemory = (error: unknown) => {
    const memory = openMemory()
    try {
      copyAll(current, memory)
    } catch {
      // The watchman goes on with what it sees from now on; what the file holds is kept for a person.
      isUnread = true
    }
    close(current)
    current = memory
    isAway = troubleOf(file, error)
    lastTry = clock.elapsed()
  }

  const comeBack = () => {
    if (isAway === null || clock.elapsed() - lastTry < restAfterTrouble) return
    lastTry = clock.elapsed()
    let db: DatabaseSync | null = null
    try {
      if (isUnread) setAside(file, clock.now())
      isUnread = false
      db = openFile(file, clock.now()).db
      copyAll(current, db)
      current.close()
      current = db
      isAway = null
    } catch (error) {
      if (db !== null) close(db)
      isAway = troubleOf(file, error)
    }
  }

  return storeOn(current, {
    say: () => (isAway === null ? setAsideTrouble(file) : { text: isAway, isWritable: false }),
    guard(act) {
      comeBack()
      try {
        return act(sqliteActs(current))
      } catch (error) {
        const code = sqliteCode(error)
        if (isAway !== null || code === null || code === 'busy' || code === 'other') throw error
        goToMemory(error)
        return act(sqliteActs(current))
      }
    },
    close() {
      lastTry = Number.NEGATIVE_INFINITY
      comeBack()
      close(current)
      first.lock[Symbol.dispose]()
    },
  })
}

/** The lock comes first: a file that another process keeps is not to be set aside, whatever is wrong with it. */
interface Opened {
  readonly db: DatabaseSync
  readonly lock: Disposable
  /** Why the store begins in memory; null where the file takes writes. */
  readonly away: Text | null
}

function openLocked(file: string, clock: Clock): Opened {
  makeFolder(dirname(file))
  const lock = takeLock(file)
  if (lock === null) throw new StoreInUse(file, holderOf(file))
  try {
    const { db } = openFile(file, clock.now())
    db.prepare(`INSERT OR REPLACE INTO meta VALUES ('pid', ?)`).run(String(process.pid))
    return { db, lock, away: null }
  } catch (error) {
    const rescued = sqliteCode(error) === 'full' ? rescue(file) : null
    if (rescued !== null) return { db: rescued, lock, away: troubleOf(file, error) }
    lock[Symbol.dispose]()
    throw error
  }
}

/** The process that keeps a store, as the store tells; null where it cannot be read. */
function holderOf(file: string): number | null {
  try {
    using store = openReadOnly(file)
    const row = store.prepare(`SELECT value FROM meta WHERE name = 'pid'`).get()
    return row === undefined ? null : Number(row['value'])
  } catch {
    return null
  }
}

/** What a file on a full disk holds, in memory; null where it cannot be read. */
function rescue(file: string): DatabaseSync | null {
  const memory = openMemory()
  if (!existsSync(file)) return memory
  try {
    const kept = openOnFullDisk(file)
    if (kept === null) return null
    try {
      if (versionOf(kept) !== null) copyAll(kept, memory)
      return memory
    } finally {
      kept.close()
    }
  } catch {
    // The fault that led here is the one to tell.
    memory.close()
    return null
  }
}

function close(db: DatabaseSync): void {
  if (db.isOpen) db.close()
}

function troubleOf(file: string, error: unknown): Text {
  const name = basename(file)
  switch (sqliteCode(error)) {
    case 'full':
      return say`the disk of the store ${name} is full; state and alarms are kept in memory until it takes writes again`
    case 'broken':
      return say`the store ${name} is damaged; state and alarms are kept in memory until a new one is written`
    default:
      return say`the store ${name} takes no writes; state and alarms are kept in memory until it does`
  }
}

function setAsideTrouble(file: string): Trouble | null {
  const [aside] = globSync(`${file}.corrupt-*Z`)
  if (aside === undefined) return null
  const text = say`the store was damaged and begun anew; the damaged file was set aside as ${basename(aside)}`
  return { text, isWritable: true }
}

interface Keeper {
  say(): Trouble | null
  guard<Result>(act: (acts: SqliteActs) => Result, acts: SqliteActs): Result
  close(): void
}

/** The Store contract over SQLite's acts: each is already atomic and done when its promise resolves. */
function storeOn(db: DatabaseSync, keeper: Keeper): Store {
  const first = sqliteActs(db)
  const run = async <Result>(act: (acts: SqliteActs) => Result): Promise<Result> => keeper.guard(act, first)
  const fence: Fence = { epoch: keeper.guard((acts) => acts.nextEpoch(), first) }
  keeper.guard((acts) => acts.resume(fence), first)
  return {
    fence,
    trouble: () => keeper.say(),
    entry: (name) => run((acts) => acts.entry(name)),
    entries: () => run((acts) => acts.entries()),
    commit: (by, commit) => run((acts) => acts.commit(by, commit)),
    claim: (by, claim) => run((acts) => acts.claim(by, claim)),
    settle: (by, settlements) => run((acts) => acts.settle(by, settlements)),
    alarms: (limit) => run((acts) => acts.alarms(limit)),
    backlog: (failedSince) => run((acts) => acts.backlog(failedSince)),
    resume: (by, channel) => run((acts) => acts.resume(by, channel)),
    reroute: (by, reroute) => run((acts) => acts.reroute(by, reroute)),
    readdress: (by, readdress) => run((acts) => acts.readdress(by, readdress)),
    beginCure: (by, cure) => run((acts) => acts.beginCure(by, cure)),
    endCure: (by, id, trial) => run((acts) => acts.endCure(by, id, trial)),
    cures: (since) => run((acts) => acts.cures(since)),
    adopt: (by, kept) => run((acts) => acts.adopt(by, kept)),
    approve: (approval) => run((acts) => acts.approve(approval)),
    approvals: (at) => run((acts) => acts.approvals(at)),
    timeline: (filter) => run((acts) => acts.timeline(filter)),
    prune: (before) => run((acts) => acts.prune(before)),
    async [Symbol.asyncDispose]() {
      keeper.close()
    },
  }
}

/**
 * The acts on a store's file that another process may keep: for `healthz status` to look, and for a person's consent
 * to be written. Null where there is none yet.
 * @throws NewerStore; SQLite's error where the file is no store.
 */
export function visitStore(
  file: string,
  { isWriting }: { readonly isWriting: boolean },
): (SqliteActs & Disposable) | null {
  if (!existsSync(file)) return null
  const db = isWriting ? openShared(file) : openReadOnly(file)
  try {
    const version = versionOf(db)
    refuseNewer(version, file)
    if (version === null) {
      db.close()
      return null
    }
  } catch (error) {
    db.close()
    throw error
  }
  return { ...sqliteActs(db), [Symbol.dispose]: () => db.close() }
}
