import { readProcesses } from './processes.ts'
import { StatementRefused } from './session.ts'
import { type Server, textOf } from './target.ts'
import { readTransactions, type Transaction } from './transactions.ts'

/** Who waits for locks at this moment, and for whom. */
export interface Locks {
  /** Seconds that each waiting connection has waited, by its id. */
  readonly waiting: ReadonlyMap<number, number>
  /** How many of them wait for the definition of a table, as ALTER TABLE and all behind it do. */
  readonly forTables: number
  /** Transactions that others wait for and that wait for nobody, the one with the most behind it first. */
  readonly blockers: readonly Transaction[]
  /** The oldest open transaction that waits for nobody. */
  readonly oldest: Transaction | null
}

export async function readLocks(server: Server): Promise<Locks> {
  const transactions = await readTransactions(server)
  const processes = await readProcesses(server)
  const waits = await readWaits(server)
  const tableWaiters = processes.filter(({ state }) => lockState.test(state))
  const waiting = new Map<number, number>([
    ...tableWaiters.map(({ id, time }) => [id, time] as const),
    ...transactions.flatMap(({ connection, waiting }) =>
      waiting === null ? [] : [[connection, waiting] as const],
    ),
  ])
  const free = transactions.filter(({ connection }) => !waiting.has(connection))
  return {
    waiting,
    forTables: tableWaiters.length,
    blockers: blockersOf(waits).flatMap((id) => free.find((transaction) => transaction.id === id) ?? []),
    oldest: free[0] ?? null,
  }
}

/** Waiting for table metadata lock, for schema metadata lock, for table level lock, for global read lock... */
const lockState = /^Waiting for (.+ )?(lock|flush)$/

interface Wait {
  /** Ids of transactions. */
  readonly waiter: string
  readonly blocker: string
}

/** The transactions that block and are not blocked themselves, the one that most wait for (through others) first. */
export function blockersOf(waits: readonly Wait[]): readonly string[] {
  const waiters = new Set(waits.map(({ waiter }) => waiter))
  const roots = new Set(waits.map(({ blocker }) => blocker).filter((blocker) => !waiters.has(blocker)))
  const behind = new Map([...roots].map((root) => [root, followersOf(root, waits).size]))
  return [...roots].toSorted((a, b) => (behind.get(b) ?? 0) - (behind.get(a) ?? 0))
}

function followersOf(root: string, waits: readonly Wait[]): Set<string> {
  const followers = new Set<string>()
  const queue = [root]
  for (const blocker of queue) {
    for (const { waiter } of waits.filter((wait) => wait.blocker === blocker)) {
      if (!followers.has(waiter)) queue.push(waiter)
      followers.add(waiter)
    }
  }
  return followers
}

/** Empty where the server does not let the watchman see who waits for whom: that somebody waits is seen without it. */
async function readWaits(server: Server): Promise<readonly Wait[]> {
  for (const sql of server.isMariadb ? [waitsOfInnodb] : [waitsOfPerformanceSchema, waitsOfInnodb]) {
    try {
      const rows = await server.run(sql)
      return rows.map((row) => ({ waiter: textOf(row, 'waiter'), blocker: textOf(row, 'blocker') }))
    } catch (error) {
      if (!(error instanceof StatementRefused)) throw error
    }
  }
  return []
}

const waitsOfInnodb = `select requesting_trx_id as waiter, blocking_trx_id as blocker
  from information_schema.innodb_lock_waits`

/** MySQL 8; it needs SELECT on performance_schema. */
const waitsOfPerformanceSchema = `select requesting_engine_transaction_id as waiter,
    blocking_engine_transaction_id as blocker
  from performance_schema.data_lock_waits`
