import { type Cure, count, DidNotHelp, duration, milliseconds, say, seconds, type Text, z } from 'healthz'
import { type Locks, readLocks } from './locks.ts'
import { isSystem, kill } from './processes.ts'
import { isSameStart, numberOf, type Server, step } from './target.ts'
import { findAgain, freshList, type Transaction } from './transactions.ts'

/** Nobody waits long for a lock, and transactions rarely block each other. */
export const lockWait = step({
  title: say`nobody waits long for a lock`,
  confirm: 2,
  limits: z.strictObject({
    wait: duration('30s'),
    waiters: z.int().positive().default(10),
    deadlocksPerMin: z.number().positive().default(10),
  }),
  cures: [
    {
      title: say`end the connection that the others wait for, where its user is in killUsers (KILL)`,
      consent: 'ask',
    },
  ],
  async check({ target, options, limits, note, problem, compare, grade }) {
    const locks = await readLocks(target)
    const longest = Math.max(0, ...locks.waiting.values())
    note(say`${count(locks.waiting.size, 'connection')} held up by locks`)
    if (grade(longest * 1000, { warning: limits.wait }) !== null) {
      const [blocker] = locks.blockers
      const isEndable = blocker && options.killUsers.includes(blocker.user) && !isSystem(blocker)
      problem({
        severity: locks.waiting.size >= limits.waiters ? 'critical' : 'warning',
        summary: say`locks hold up ${count(locks.waiting.size, 'connection')}, the longest for ${seconds(longest)} (limit ${milliseconds(limits.wait)})`,
        advice: adviceOn(locks),
        evidence: {
          waiters: locks.waiting.size,
          longestSeconds: longest,
          blocker: blocker?.connection ?? null,
          blockerUser: blocker?.user ?? null,
        },
        ...(isEndable && { resolve: endBlocker(target, blocker) }),
      })
    }

    const { before, after, apart } = await compare(() => readDeadlocks(target), isSameStart)
    if (after.deadlocks === null || before.deadlocks === null) return
    const perMinute = ((after.deadlocks - before.deadlocks) / Math.max(apart, 60_000)) * 60_000
    const severity = grade(perMinute, { warning: limits.deadlocksPerMin }, 'deadlocks')
    if (severity === null) return
    problem({
      key: 'deadlocks',
      severity,
      summary: say`${Math.round(perMinute)} transactions a minute are ended because they block each other (limit ${limits.deadlocksPerMin})`,
      advice: say`SHOW ENGINE INNODB STATUS shows the last two; let all clients take their locks in one order, and keep transactions short`,
      evidence: { perMinute: Math.round(perMinute) },
    })
  },
})

function adviceOn({ blockers, forTables, oldest }: Locks): Text {
  const [blocker] = blockers
  if (blocker)
    return say`${held(blocker)} holds them up: let it commit, or end it with KILL ${String(blocker.connection)}`
  if (forTables > 0 && oldest)
    return say`they wait for the definition of a table, as ALTER TABLE does; ${held(oldest)} is the oldest open transaction and the likely cause`
  return say`look in SHOW PROCESSLIST for what holds the lock: a long statement, LOCK TABLES, or a backup`
}

function held({ connection, user, host, age, command }: Transaction): Text {
  return command === 'Sleep'
    ? say`connection ${String(connection)} of ${user} from ${host} (idle in a transaction opened ${seconds(age)} ago)`
    : say`connection ${String(connection)} of ${user} from ${host} (in a transaction opened ${seconds(age)} ago)`
}

/** A transaction that others wait for is ended whole: ending its statement alone would keep its locks. */
function endBlocker(server: Server, found: Transaction): Cure {
  return {
    title: say`end connection ${String(found.connection)} of ${found.user}, which the others wait for`,
    consent: 'ask',
    target: server.address,
    async run({ signal }) {
      await freshList(signal)
      const { blockers } = await readLocks(server)
      const now = findAgain(blockers, found)
      if (now !== undefined) return await kill(server, now.connection, 'connection')
      if (blockers.length > 0) throw new DidNotHelp(say`by now the others wait for another connection`)
    },
  }
}

interface Deadlocks {
  readonly deadlocks: number | null
  readonly startedAt: number
}

/** MariaDB counts them among its status variables, MySQL among its InnoDB metrics. */
async function readDeadlocks(server: Server): Promise<Deadlocks> {
  const status = await server.status('Innodb_deadlocks')
  const { startedAt } = server
  if (status['Innodb_deadlocks'] !== undefined)
    return { deadlocks: Number(status['Innodb_deadlocks']), startedAt }
  const [row] = await server.ask(
    `select \`count\` as deadlocks from information_schema.innodb_metrics
     where name = 'lock_deadlocks' and status = 'enabled'`,
    { right: say`PROCESS` },
  )
  return { deadlocks: numberOf(row, 'deadlocks'), startedAt }
}
