import { setTimeout } from 'node:timers/promises'
import { say } from 'healthz'
import { numberOf, type Server, textOf } from './target.ts'

/** An open InnoDB transaction and the connection that holds it. */
export interface Transaction {
  readonly id: string
  /** The connection; 0 for one that was prepared (XA) and lost its connection. */
  readonly connection: number
  /** Seconds since 1970, by the server's clock. */
  readonly startedAt: number
  /** Seconds. */
  readonly age: number
  /** Seconds that it has been waiting for a lock; null where it waits for none. */
  readonly waiting: number | null
  readonly user: string
  /** Without the port. */
  readonly host: string
  /** `Sleep` where the client is between two statements. */
  readonly command: string
}

/** The open transactions, oldest first. */
export async function readTransactions(server: Server): Promise<readonly Transaction[]> {
  const rows = await server.ask(
    `select t.trx_id as id, t.trx_mysql_thread_id as connection, unix_timestamp(t.trx_started) as startedAt,
       timestampdiff(second, t.trx_started, now()) as age,
       timestampdiff(second, t.trx_wait_started, now()) as waiting,
       p.user as user, p.host as host, p.command as command
     from information_schema.innodb_trx t
     left join information_schema.processlist p on p.id = t.trx_mysql_thread_id
     order by t.trx_started limit 500`,
    { right: say`PROCESS` },
  )
  return rows.map((row) => ({
    id: textOf(row, 'id'),
    connection: numberOf(row, 'connection') ?? 0,
    startedAt: numberOf(row, 'startedAt') ?? 0,
    age: numberOf(row, 'age') ?? 0,
    waiting: numberOf(row, 'waiting'),
    user: textOf(row, 'user'),
    host: textOf(row, 'host').replace(/:\d+$/, ''),
    command: textOf(row, 'command'),
  }))
}

/**
 * Waits until InnoDB makes its list of transactions and locks anew: it shows the same one again to those who read it
 * within 0.1 s. Whoever acts on what the list says waits first.
 */
export function freshList(signal: AbortSignal): Promise<void> {
  return setTimeout(150, undefined, { signal })
}

/** The same transaction in a later list: connection ids are used again after a restart. */
export function findAgain(
  transactions: readonly Transaction[],
  { connection, startedAt, user }: Transaction,
): Transaction | undefined {
  return transactions.find(
    (candidate) =>
      candidate.connection === connection && candidate.startedAt === startedAt && candidate.user === user,
  )
}
