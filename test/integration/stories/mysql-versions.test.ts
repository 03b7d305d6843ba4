import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import mysql from '../../../stories/mysql/index.ts'
import { rightsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { debian13, otherDebians } from '../../support/servers/debian-tree.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const password = 'hunter2SECRET'

/** The story as a whole on another version than the suites beside this one have. */
describeWith([otherDebians], 'MariaDB 11.8', () => {
  let source: Mariadb
  let replica: Mariadb

  beforeAll(async () => {
    const tree = await debian13()
    source = await startMariadb({ tree })
    replica = await startMariadb({ tree, replicaOf: source, args: ['--master-retry-count=2'] })
    await source.query(
      `create database shop;
       create table shop.t (id int primary key auto_increment, v int) auto_increment = 1800000001;
       insert into shop.t (v) values (0), (0)`,
    )
    const documented = ['MariaDB 10.5', 'for auto-increment', 'for the cures'].map((part) =>
      // What MySQL needs for the cures stands in the line below.
      rightsOf(mysql.guide, password, part).slice(0, part === 'for the cures' ? 1 : undefined),
    )
    for (const { query } of [source, replica]) {
      await query(
        `set sql_log_bin = 0; create user app@'127.0.0.1' identified by 'pw', blind@'127.0.0.1' identified by 'pw';
         grant all on shop.* to app@'127.0.0.1'`,
      )
      for (const statement of documented.flat()) await query(`set sql_log_bin = 0; ${statement}`)
    }
  })
  afterAll(async () => {
    await replica?.[Symbol.asyncDispose]()
    await source?.[Symbol.asyncDispose]()
  })

  const at = ({ port }: Mariadb, more: object = {}) => ({
    ...{ host: '127.0.0.1', port, user: 'healthz', password, grace: '0s' },
    ...more,
  })

  async function app(): Promise<Connection & AsyncDisposable> {
    const settings = { host: '127.0.0.1', port: source.port, user: 'app', password: 'pw' }
    const connection = await createConnection(settings)
    connection.on('error', () => {}) // killed on purpose
    return Object.assign(connection, { [Symbol.asyncDispose]: async () => connection.destroy() })
  }

  /** InnoDB shows its list of transactions and locks again to those who come back within 0.1 s. */
  const toldOf = (what: string, tell: () => Promise<Told>, isMeant: (told: Told) => boolean) =>
    until(
      what,
      async () => {
        const told = await tell()
        return isMeant(told) && told
      },
      { every: 150 },
    )

  test.each([
    ['source', 'writable'],
    ['replica', 'replica'],
  ])('the documented rights and no more answer every step of a %s', async (which, expects) => {
    const server = which === 'source' ? source : replica
    await server.query(`set global read_only = ${which === 'source' ? 0 : 1}`)
    const queries = [{ name: 'rows', sql: 'select count(*) from shop.t', warn: '> 9' }]
    const steps = { stalls: {}, 'table-size': {}, 'auto-increment': { warnPct: 95, critPct: 99 } }
    const told = await teller(mysql, at(server, { expect: expects, queries }), steps).tell()
    expect(Object.values(told.steps).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(JSON.stringify(told.step('connect').notes)).toContain('11.8')
    expect(JSON.stringify(told.steps)).not.toContain(password)
  })

  test('a key that runs out is told with its figure', async () => {
    const told = await teller(mysql, at(source)).tell('auto-increment')
    expect(told.summaries('auto-increment')).toEqual([expect.stringContaining('shop.t')])
    expect(told.summaries('auto-increment')[0]).toContain('84 %')
  })

  test('without a right what needs it is unknown, and the right is named', async () => {
    const blind = at(replica, { user: 'blind', password: 'pw' })
    const told = await teller(mysql, blind).tell('replica-threads', 'long-trx', 'lock-wait', 'auto-increment')
    expect(told.reason('replica-threads')).toBe('the user blind lacks the right SLAVE MONITOR')
    expect(told.reason('long-trx')).toBe('the user blind lacks the right PROCESS')
    expect(told.reason('lock-wait')).toBe('the user blind lacks the right PROCESS')
    expect(told.step('auto-increment').outcome).toBe('unknown')
  })

  test('an account whose way to log in is not known is told as such', async () => {
    await source.query(
      `set sql_log_bin = 0; install soname 'auth_parsec';
       create user modern@'127.0.0.1' identified via parsec using password('${password}')`,
    )
    const told = await teller(mysql, at(source, { user: 'modern' })).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'auth-failed' } }])
    expect(told.summaries('connect')[0]).toContain(
      'the account of the user modern has a way to log in that the watchman does not know',
    )
  })

  test('it speaks TLS unasked, with a certificate of its own making', async () => {
    const told = await teller(mysql, at(source, { tls: true })).tell('connect')
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'tls-untrusted' } }])
    const insecure = await teller(mysql, at(source, { tls: true, insecure: true })).tell('connect')
    expect(insecure.step('connect').outcome).toBe('ok')
  })

  test('those who wait for a row are told with the one who holds it, who is ended if listed', async () => {
    await using holder = await app()
    await holder.query('start transaction')
    await holder.query('update shop.t set v = 1')
    await using waiter = await app()
    const waiting = waiter.query('update shop.t set v = 2')
    const telling = teller(mysql, at(source, { killUsers: ['app'] }), { 'lock-wait': { wait: '1s' } })
    const told = await toldOf(
      'a wait is told',
      () => telling.tell('lock-wait'),
      (each) => each.step('lock-wait').outcome === 'problem',
    )
    expect(told.step('lock-wait').findings).toMatchObject([
      { severity: 'warning', evidence: { waiters: 1, blocker: holder.threadId, blockerUser: 'app' } },
    ])
    expect(render(told.step('lock-wait').findings[0]?.advice ?? '')).toContain('of app from 127.0.0.1 (idle')
    await told.cure('lock-wait')
    await waiting
    await toldOf(
      'it is well',
      () => telling.tell('lock-wait'),
      (each) => each.step('lock-wait').outcome === 'ok',
    )
  })

  test('a server that is full is told, by name to those whom it lets in even then', async () => {
    await source.query('set global max_connections = 11')
    const opened: (Connection & AsyncDisposable)[] = []
    try {
      const fill = async () => {
        while (opened.length < 50) opened.push(await app())
      }
      // Whoever was here before may leave a place a moment later.
      const filledAnd = async (tell: () => Promise<Told>) => {
        await expect(fill()).rejects.toMatchObject({ errno: 1040 })
        return tell()
      }
      const whole = teller(mysql, at(source))
      const told = await toldOf(
        'every place is taken',
        () => filledAnd(() => whole.tell('connections')),
        (now) => now.step('connections').outcome === 'problem',
      )
      expect(told.step('connections').findings).toMatchObject([{ severity: 'critical' }])
      const poor = await filledAnd(() => teller(mysql, at(source, { user: 'blind', password: 'pw' })).tell())
      expect(poor.step('connect').findings).toMatchObject([{ evidence: { kind: 'too-many' } }])
      expect(render(told.step('connections').findings[0]?.advice ?? '')).toContain('app')
    } finally {
      for (const each of opened) each.destroy()
      await until('they are gone', () => source.query('set global max_connections = 50').then(() => true))
    }
  })

  test('a replica that a person stopped is left alone, and one whose source was gone is started again', async () => {
    const telling = teller(mysql, at(replica))
    await replica.query('stop slave')
    const stopped = await telling.tell('replica-threads')
    expect(stopped.step('replica-threads').findings).toMatchObject([{ severity: 'warning' }])
    expect(stopped.summaries('replica-threads')[0]).toContain('stopped by a person')
    expect(stopped.cures.size).toBe(0)
    await replica.query('start slave')

    await source.kill()
    const given = await toldOf(
      'it gives up',
      () => telling.tell('replica-threads'),
      (told) => told.cures.has('replica-threads'),
    )
    expect(given.summaries('replica-threads')[0]).toBe(
      `changes from 127.0.0.1:${source.port} are no longer fetched: the source cannot be reached (error 2003)`,
    )
    await source.restart()
    await given.cure('replica-threads')
    await toldOf(
      'it replicates',
      () => telling.tell('replica-threads'),
      (told) => told.step('replica-threads').outcome === 'ok',
    )
  })
})
