import { expect, test } from 'vitest'
import { CannotTell } from '../../../../src/core/story.ts'
import { render } from '../../../../src/core/text.ts'
import mysql from '../../../../stories/mysql/index.ts'
import { type Row, StatementRefused } from '../../../../stories/mysql/session.ts'
import type { Server } from '../../../../stories/mysql/target.ts'
import { teller } from '../../../support/teller.ts'

/** What the reference of MySQL 8.4 says that it answers; the first that fits counts. A number is its error. */
const answers: readonly (readonly [RegExp, readonly Row[] | number])[] = [
  // Taken away in 8.4 and in 8.0.
  [/show (all )?slaves? status|show master status|start slave|flush hosts/i, 1064],
  [/information_schema\.innodb_lock_waits/i, 1109],
  [/wsrep_on|thread_pool_size/i, 1193],
  [
    /show replica status/i,
    [
      {
        ...{ Source_Host: 'db1', Source_Port: 3306, Replica_IO_Running: 'Yes', Replica_SQL_Running: 'Yes' },
        ...{ Seconds_Behind_Source: 1, Last_IO_Errno: 0, Last_SQL_Errno: 0, SQL_Delay: 0, Channel_Name: '' },
      },
    ],
  ],
  [/super_read_only/i, [{ isForAll: 0 }]],
  [/max_connections/i, [{ most: 151 }]],
  [/innodb_force_recovery/i, [{ level: 0 }]],
  [/trx_rseg_history_len/i, [{ length: 12 }]],
  [/lock_deadlocks/i, [{ deadlocks: 0 }]],
  [/innodb_trx|data_lock_waits|processlist/i, []],
  [/count\(\*\) as tableCount/i, [{ tableCount: 1, databaseCount: 1 }]],
  // Without the width of display, which 8.0.19 took away.
  [
    /auto_increment/i,
    [
      { db: 'shop', name: 'orders', col: 'id', type: 'int', next: 1_600_000_001 },
      { db: 'shop', name: 'lines', col: 'id', type: 'int unsigned', next: 1_600_000_001 },
    ],
  ],
  [/data_length/i, [{ db: 'shop', name: 'orders', size: 1000, bytes: 1000 }]],
  [/select 1/i, [{ 1: 1 }]],
]

const status: Readonly<Record<string, string>> = {
  ...{ Threads_connected: '5', Threads_running: '2', Connection_errors_max_connections: '0' },
  ...{ Innodb_log_waits: '0', Slow_queries: '0' },
}

function serverThat(asked: string[]): Server {
  const run: Server['run'] = async (sql) => {
    asked.push(sql)
    const answer = answers.find(([pattern]) => pattern.test(sql))?.[1]
    if (answer === undefined) throw new Error(`nothing is recorded for: ${sql}`)
    if (typeof answer === 'number') throw new StatementRefused(answer)
    return answer
  }
  return {
    ...{ address: 'db:3306', user: 'hz', isMariadb: false, version: '8.4.3', hostname: 'db' },
    ...{ startedAt: 1, uptime: 100_000, isReadOnly: true },
    run,
    ask: async (sql) => {
      try {
        return await run(sql)
      } catch (error) {
        throw error instanceof StatementRefused ? new CannotTell(`error ${error.errno}`) : error
      }
    },
    status: async (...names) =>
      Object.fromEntries(names.flatMap((name) => (name in status ? [[name, status[name] ?? '']] : []))),
    [Symbol.asyncDispose]: async () => {},
  }
}

test('MySQL 8.4 is asked in its own words, and answers every step', async () => {
  const asked: string[] = []
  const server = serverThat(asked)
  const watch = teller({ ...mysql, open: () => server }, { host: 'db', user: 'hz', expect: 'replica' })
  const told = await watch.tell()
  const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
  expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual(['auto-increment problem'])
  expect(told.summaries('auto-increment')).toEqual([
    '75 % of the numbers of shop.orders.id (int, up to 2 147 483 647) are used (limit 70 %)',
  ])
  expect(told.step('writable').notes.map((note) => render(note))).toContain(
    'users with the right SUPER or CONNECTION_ADMIN may write all the same: super_read_only is off',
  )
  expect(asked.join('\n')).toContain('show replica status')
  expect(asked.join('\n')).toContain('performance_schema.data_lock_waits')
})

test('a figure that the server does not give is unknown, not 0', async () => {
  const server = { ...serverThat([]), status: async () => ({}) }
  const told = await teller({ ...mysql, open: () => server }, { host: 'db', user: 'hz' }).tell(
    'connections',
    'running',
  )
  for (const step of ['connections', 'running'])
    expect(told.step(step)).toMatchObject({ outcome: 'unknown', findings: [] })
  expect(told.reason('running')).toBe('the server does not tell Threads_running')
})
