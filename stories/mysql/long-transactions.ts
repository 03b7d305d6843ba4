import { type Cure, count, DidNotHelp, duration, milliseconds, say, seconds, z } from 'healthz'
import { isSystem, kill } from './processes.ts'
import { numberOf, type Server, step } from './target.ts'
import { findAgain, freshList, readTransactions, type Transaction } from './transactions.ts'

/** No transaction stays open for long: it holds locks, and all that others change meanwhile must be kept for it. */
export const longTransactions = step({
  title: say`no transaction stays open for long`,
  limits: z.strictObject({
    age: duration('10m'),
    warnHistory: z.number().positive().default(50_000),
    critHistory: z.number().positive().default(1_000_000),
  }),
  cures: [
    {
      title: say`end the statement of the oldest transaction, where its user is in killUsers (KILL QUERY)`,
      consent: 'ask',
    },
  ],
  async check({ target, options, limits, note, problem, grade }) {
    const transactions = await readTransactions(target)
    note(say`${count(transactions.length, 'transaction')} open`)
    const watched = transactions.filter(
      ({ user }) => !options.ignoreUsers.includes(user) && user !== 'system user',
    )
    const [oldest] = watched
    const severity = oldest && grade(oldest.age * 1000, { warning: limits.age })
    if (oldest && severity) {
      const { connection, user, host, age, command } = oldest
      const isEndable = options.killUsers.includes(user) && isExecuting(oldest) && !isSystem(oldest)
      problem({
        severity,
        summary: describe(oldest, limits.age),
        advice: adviceOn(oldest),
        evidence: { connection, user, host, ageSeconds: age, command },
        ...(isEndable && { resolve: endStatement(target, oldest) }),
      })
    }

    const length = await historyLength(target)
    if (length === null) return
    note(say`${count(length, 'change')} kept for open transactions`)
    const grown = grade(length, { warning: limits.warnHistory, critical: limits.critHistory }, 'history')
    if (grown === null) return
    problem({
      key: 'history',
      severity: grown,
      summary: say`InnoDB keeps ${length} old changes that it cannot clear away (limit ${grown === 'critical' ? limits.critHistory : limits.warnHistory})`,
      advice: say`end the oldest transactions, also those of backups and of replicas; without any, the server writes more than its purge threads can clear away`,
      evidence: { historyLength: length },
    })
  },
})

function describe({ connection, user, host, age }: Transaction, limit: number) {
  return connection === 0
    ? say`a prepared (XA) transaction without a connection has been open for ${seconds(age)} (limit ${milliseconds(limit)})`
    : say`a transaction of ${user} from ${host} (connection ${String(connection)}) has been open for ${seconds(age)} (limit ${milliseconds(limit)})`
}

function adviceOn(transaction: Transaction) {
  if (transaction.connection === 0)
    return say`find it with XA RECOVER and end it with XA COMMIT or XA ROLLBACK, as its coordinator says`
  const id = String(transaction.connection)
  return isExecuting(transaction)
    ? say`look what it runs with SHOW PROCESSLIST; KILL QUERY ${id} ends its statement, KILL ${id} rolls all of it back`
    : say`its client does nothing: let it commit, or roll it back with KILL ${id}; a pool that hands out connections without ending transactions is a frequent cause`
}

function isExecuting({ command }: Transaction): boolean {
  return command !== 'Sleep'
}

function endStatement(server: Server, found: Transaction): Cure {
  return {
    title: say`end the statement of ${found.user} on connection ${String(found.connection)}`,
    consent: 'ask',
    target: server.address,
    async run({ signal }) {
      await freshList(signal)
      const now = findAgain(await readTransactions(server), found)
      if (now === undefined) return
      if (!isExecuting(now))
        throw new DidNotHelp(say`it runs no statement now, but its transaction is still open`)
      await kill(server, now.connection, 'query')
    },
  }
}

async function historyLength(server: Server): Promise<number | null> {
  const [row] = await server.ask(
    `select \`count\` as length from information_schema.innodb_metrics where name = 'trx_rseg_history_len'`,
    { right: say`PROCESS` },
  )
  return numberOf(row, 'length')
}
