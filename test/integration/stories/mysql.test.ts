import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import mysql from '../../../stories/mysql/index.ts'
import { rightsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['mariadb'], 'one MySQL server', () => {
  let server: Mariadb
  const at = (more: object = {}) => ({ url: server.url, grace: '0s', ...more })

  beforeAll(async () => {
    server = await startMariadb()
    await server.query(
      `create user app@'127.0.0.1' identified by 'app-pw'; create user killer@'127.0.0.1' identified by 'kill-pw';
       grant process, connection admin on *.* to killer@'127.0.0.1';
       create database shop; create table shop.orders (id int primary key, paid int, total decimal(10,2));
       insert into shop.orders values (1, 0, 12.5), (2, 0, null), (3, 1, null);
       create function shop.pay_all() returns int deterministic begin update shop.orders set paid = 1; return 1; end;
       grant select on shop.* to hz@'127.0.0.1'; grant all on shop.* to app@'127.0.0.1'`,
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const killer = (more: object = {}) => ({
    host: '127.0.0.1',
    port: server.port,
    user: 'killer',
    password: 'kill-pw',
    grace: '0s',
    ...more,
  })

  const connectApp = () =>
    createConnection({ host: '127.0.0.1', port: server.port, user: 'app', password: 'app-pw' })

  /** Connections of the application; disposing ends those that are left. */
  async function connectApps(n: number): Promise<AsyncDisposable & { readonly connections: Connection[] }> {
    const connections: Connection[] = []
    for (let i = 0; i < n; i++) {
      const connection = await connectApp()
      connection.on('error', () => {}) // killed on purpose
      connections.push(connection)
    }
    return { connections, [Symbol.asyncDispose]: endApps }
  }

  async function endApps(): Promise<void> {
    await until('they are gone', async () => {
      const rows = await server.query(`select id from information_schema.processlist where user = 'app'`)
      for (const { id } of rows) await server.query(`kill ${Number(id)}`).catch(() => {})
      return rows.length === 0
    })
  }

  /** Limits the connections from one that counts among them, and stays open until the limit is lifted again. */
  async function limitConnections(n: number): Promise<AsyncDisposable & { readonly admin: Connection }> {
    const admin = await createConnection({ socketPath: server.socket, user: 'root' })
    await admin.query(`set global max_connections = ${n}`)
    const lift = async () => {
      await admin.query('set global max_connections = 50')
      admin.destroy()
    }
    return { admin, [Symbol.asyncDispose]: lift }
  }

  async function appsOn(): Promise<number> {
    const [row] = await server.query(
      `select count(*) as n from information_schema.processlist where user = 'app'`,
    )
    return Number(row?.['n'])
  }

  test('all is well on a healthy one', async () => {
    const told = await teller(mysql, at()).tell()
    for (const step of [
      'connect',
      'recovery-mode',
      'connections',
      'running',
      'replica-threads',
      'long-trx',
    ]) {
      expect(told.step(step)).toMatchObject({ step, outcome: 'ok', findings: [] })
    }
  })

  test('a user with the documented rights and no more gets every answer', async () => {
    for (const one of ['MariaDB 10.5', 'for auto-increment'])
      for (const statement of rightsOf(mysql.guide, 'hz-own', one)) await server.query(statement)
    const queries = [{ name: 'orders', sql: 'select count(*) from shop.orders', warn: '> 9' }]
    const login = { host: '127.0.0.1', port: server.port, user: 'healthz', password: 'hz-own' }
    const steps = { stalls: {}, 'table-size': {} }
    const told = await teller(mysql, { ...login, grace: '0s', expect: 'writable', queries }, steps).tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])
    expect(outcomes).toHaveLength(13)
    const [forCures = ''] = rightsOf(mysql.guide, 'hz-own', 'for the cures')
    await server.query(forCures)
  })

  test.each([
    ['writable', 1, 'critical', 'read-only, but it should take writes'],
    ['replica', 0, 'warning', 'takes writes, but it should be a replica'],
  ])('expected to be %s with read_only = %i is a problem', async (expected, flag, severity, words) => {
    const telling = teller(mysql, at({ expect: expected }))
    await server.query(`set global read_only = ${1 - flag}`)
    expect((await telling.tell('writable')).step('writable').outcome).toBe('ok')
    await server.query(`set global read_only = ${flag}`)
    try {
      const told = await telling.tell('writable')
      expect(told.step('writable').findings).toMatchObject([{ severity }])
      expect(told.summaries('writable')[0]).toContain(words)
    } finally {
      await server.query('set global read_only = 0')
    }
  })

  test('connections that run short name their holders, and sleepers of listed users are ended', async () => {
    await using limited = await limitConnections(13)
    await using apps = await connectApps(10)
    // The server takes a moment to see that earlier connections have ended.
    await until(
      'they have slept for long enough, and only the administrator is there beside them',
      async () => {
        const [rows] = await limited.admin.query(
          `select count(*) as connected, sum(user = 'app' and command = 'Sleep' and time_ms > 1100) as asleep
         from information_schema.processlist where command != 'Daemon'`,
        )
        const [row] = rows as { connected: number; asleep: string }[]
        return Number(row?.connected) === 11 && Number(row?.asleep) === 10
      },
    )
    const steps = { connections: { idle: '1s' } }
    const telling = teller(mysql, killer({ killUsers: ['app'] }), steps)
    const told = await telling.tell('connections')
    expect(told.summaries('connections')).toEqual(['12 of 13 connections are in use (92 %, limit 80 %)'])
    expect(told.step('connections').findings).toMatchObject([
      { severity: 'warning', cure: { consent: 'ask' } },
    ])
    expect(JSON.stringify(told.step('connections').findings[0]?.advice)).toContain('of them {3} asleep')

    const unlisted = await teller(mysql, killer({ killUsers: ['somebody'] }), steps).tell('connections')
    expect(unlisted.step('connections').outcome).toBe('problem')
    expect(unlisted.cures.size).toBe(0)
    expect(apps.connections).toHaveLength(10)

    await told.cure('connections')
    await until('they were ended', async () => (await appsOn()) === 0)
    expect((await telling.tell('connections')).step('connections').outcome).toBe('ok')
  })

  test('a cure without its right says which one is missing', async () => {
    await using _max = await limitConnections(12)
    await using _ = await connectApps(10)
    const telling = teller(mysql, at({ killUsers: ['app'] }), { connections: { idle: '1s' } })
    const told = await until('they have slept for long enough', async () => {
      const each = await telling.tell('connections')
      return each.cures.has('connections') && each
    })
    await expect(told.cure('connections')).rejects.toMatchObject({
      reason: { values: ['hz', 'CONNECTION ADMIN'] },
    })
  })

  test('clients that were turned away are counted since the last telling', async () => {
    const telling = teller(mysql, at())
    await telling.tell('connections')
    {
      await using _ = await connectApps(10)
      // The administrator then sits on the seat kept for one: a client who finds it free is turned away uncounted.
      await using _max = await limitConnections(10)
      for (let i = 0; i < 3; i++) await expect(connectApp()).rejects.toMatchObject({ errno: 1040 })
    }
    const told = await telling.tell('connections')
    expect(told.step('connections').findings).toMatchObject([
      { key: 'refused', confirm: 1, evidence: { refused: 3 } },
    ])
    expect(told.summaries('connections')[0]).toMatch(/^3 clients turned away because all 50/)
    expect((await telling.tell('connections')).step('connections').outcome).toBe('ok')

    // As if another life of the server had been seen: what it counted since is nobody's delta.
    const remembered = { connected: 1, max: 50, refused: 0, startedAt: 1 }
    telling.samples = { connections: { at: Date.now() - 60_000, value: remembered } }
    expect((await telling.tell('connections')).step('connections').outcome).toBe('ok')
  })

  test('statements that pile up are told with the oldest of them', async () => {
    await using apps = await connectApps(5)
    const sleeping = apps.connections.map((connection) =>
      connection.query('select sleep(20)').catch(() => {}),
    )
    const steps = { running: { runningMax: 4 } }
    const telling = teller(mysql, at(), steps)
    const told = await until('all of them run', async () => {
      const each = await telling.tell('running')
      return each.step('running').outcome === 'problem' && each
    })
    expect(told.summaries('running')[0]).toMatch(/^[5-9] statements run at the same time \(limit 4\)$/)
    expect(JSON.stringify(told.step('running').findings)).toContain('app')
    expect((await teller(mysql, at({ grace: '1h' }), steps).tell('running')).step('running').outcome).toBe(
      'ok',
    )
    expect((await teller(mysql, at()).tell('running')).step('running').outcome).toBe('ok')
    await endApps()
    await Promise.all(sleeping)
  })

  test('many slow statements a minute are told', async () => {
    const telling = teller(mysql, at(), { stalls: { slowPerMin: 5 } })
    expect((await telling.tell('stalls')).step('stalls').outcome).toBe('ok')
    await using apps = await connectApps(1)
    const [app] = apps.connections
    await app?.query('set session long_query_time = 0')
    for (let i = 0; i < 20; i++) await app?.query('select 1')
    const told = await telling.tell('stalls')
    expect(told.step('stalls').findings).toMatchObject([{ key: 'slow', severity: 'warning' }])
    expect(told.summaries('stalls')[0]).toMatch(/^2\d statements a minute took longer/)
  })

  test('a plain server is not taken for a Galera node in trouble', async () => {
    const told = await teller(mysql, at({ expectNodes: 3 })).tell('galera')
    expect(told.step('galera')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('galera')).toContain('no member of a Galera cluster')
  })

  test('a figure of the business is held against its limits; NULL and what is no number are unknown', async () => {
    const unpaid = {
      name: 'unpaid orders',
      sql: 'select count(*) from shop.orders where paid = 0',
      warn: '> 1',
      crit: '> 5',
      advice: 'call the customers',
    }
    const told = await teller(
      mysql,
      at({
        queries: [
          unpaid,
          { name: 'nothing', sql: 'select max(id) from shop.orders where paid = 7', crit: '> 1' },
          { name: 'a word', sql: "select 'x'", crit: '> 1' },
          { name: 'two', sql: 'select 1, 2', crit: '> 1' },
          { name: 'a decimal', sql: 'select max(total) from shop.orders', crit: '== 12.5' },
          { name: 'paid', sql: 'select count(*) from shop.orders where paid = 1', crit: '< 1' },
          { name: 'forbidden', sql: 'select count(*) from mysql.global_priv', crit: '> 1' },
        ],
      }),
    ).tell('query')
    expect(told.step('query').findings).toMatchObject([
      { key: 'unpaid orders', severity: 'warning', advice: 'call the customers' },
      { key: 'a decimal', severity: 'critical' },
    ])
    expect(told.summaries('query')[0]).toBe('unpaid orders is 2 (limit > 1)')
    expect(told.reason('query')).toMatch(/nothing: .*NULL.*, a word: .*, two: .*, forbidden: .*right SELECT/)
  })

  test('what an entry asks can neither write nor run away', async () => {
    expect(() =>
      mysql.options.parse(at({ queries: [{ name: 'x', sql: 'delete from shop.orders' }] })),
    ).toThrow('not a SELECT')
    const told = await teller(
      mysql,
      {
        ...killer(),
        user: 'app',
        password: 'app-pw',
        queries: [
          { name: 'writing', sql: 'select shop.pay_all()', crit: '> 0' },
          { name: 'endless', sql: 'select sleep(60)', crit: '> 1' },
        ],
      },
      {},
    ).tell('query')
    expect(told.step('query')).toMatchObject({ outcome: 'unknown' })
    expect(told.reason('query')).toContain('writing: the server refused the question with its error 1792')
    expect(told.reason('query')).toContain('endless: the answer took longer than 8 s')
    expect(await server.query('select count(*) as n from shop.orders where paid = 0')).toEqual([{ n: 2 }])
  })

  test('recovery mode is a fact', async () => {
    await using rescued = await startMariadb({ args: ['--innodb-force-recovery=1'] })
    const told = await teller(mysql, { url: rescued.url }).tell('recovery-mode')
    expect(told.step('recovery-mode').findings).toMatchObject([
      { severity: 'critical', evidence: { level: 1 } },
    ])
  })
})
