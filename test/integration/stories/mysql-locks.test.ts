import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, type Told, teller } from '../../support/teller.ts'

type Telling = Pick<Teller<never, never>, 'tell'>

describeWith(['mariadb'], 'transactions and locks of a MySQL server', () => {
  let server: Mariadb

  beforeAll(async () => {
    server = await startMariadb()
    await server.query(
      `create user app@'127.0.0.1' identified by 'pw'; create user blind@'127.0.0.1' identified by 'pw';
       create user killer@'127.0.0.1' identified by 'pw';
       grant process, connection admin on *.* to killer@'127.0.0.1';
       create database shop; grant all on shop.* to app@'127.0.0.1';
       create table shop.t (id int primary key, v int); insert into shop.t values (1, 0), (2, 0)`,
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const as = (user: string, more: object = {}) => ({
    ...{ host: '127.0.0.1', port: server.port, user, password: 'pw', grace: '0s' },
    ...more,
  })

  /** A connection of the application, with what it waits for; disposing ends it. */
  async function app(): Promise<Connection & AsyncDisposable> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: server.port,
      user: 'app',
      password: 'pw',
    })
    connection.on('error', () => {}) // killed on purpose
    const end = async () => {
      await server.query(`kill ${connection.threadId}`).catch(() => {})
      connection.destroy()
    }
    return Object.assign(connection, { [Symbol.asyncDispose]: end })
  }

  /** InnoDB shows its list of transactions and locks again to those who come back within 0.1 s. */
  const unhurried = { every: 150 }

  const toldOf = (telling: Telling, step: string, isMeant: (told: Told) => boolean) =>
    until(
      `${step} is told so`,
      async () => {
        const told = await telling.tell(step)
        return isMeant(told) && told
      },
      unhurried,
    )
  const problem = (telling: Telling, step: string) =>
    toldOf(telling, step, (told) => told.step(step).outcome === 'problem')
  const ok = (telling: Telling, step: string) =>
    toldOf(telling, step, (told) => told.step(step).outcome === 'ok')

  const advice = (told: Told, step: string) => render(told.step(step).findings[0]?.advice ?? '')

  test('without the right PROCESS it is unknown, and the right is named', async () => {
    const told = await teller(mysql, as('blind')).tell('long-trx', 'lock-wait')
    for (const step of ['long-trx', 'lock-wait']) {
      expect(told.step(step).outcome).toBe('unknown')
      expect(told.reason(step)).toBe('the user blind lacks the right PROCESS')
    }
  })

  test('a transaction that stays open is told with its owner; ignored users may take long', async () => {
    await using open = await app()
    await open.query('start transaction')
    await open.query('update shop.t set v = 4711 where id = 1')
    const limits = { 'long-trx': { age: '1s' } }
    const telling = teller(mysql, as('killer', { killUsers: ['app'] }), limits)
    expect((await telling.tell('long-trx')).step('long-trx').outcome).toBe('ok')
    const told = await problem(telling, 'long-trx')
    expect(told.summaries('long-trx')[0]).toMatch(
      /^a transaction of app from 127.0.0.1 \(connection \d+\) has been open for \d s \(limit 1 s\)$/,
    )
    expect(told.step('long-trx').findings).toMatchObject([{ evidence: { connection: open.threadId } }])
    expect(advice(told, 'long-trx')).toContain('its client does nothing')
    expect(told.cures.size).toBe(0)
    expect(JSON.stringify(told.steps)).not.toContain('4711')

    const ignoring = teller(mysql, as('killer', { ignoreUsers: ['app'] }), limits)
    expect((await ignoring.tell('long-trx')).step('long-trx').outcome).toBe('ok')
    await open.query('commit')
    await ok(telling, 'long-trx')
  })

  test('a long statement of a listed user is ended, and its connection left', async () => {
    await using busy = await app()
    const working = busy
      .query('update shop.t set v = sleep(30) where id = 1')
      .catch((error: unknown) => error)
    const limits = { 'long-trx': { age: '1s' } }
    const telling = teller(mysql, as('killer', { killUsers: ['app'] }), limits)
    const told = await problem(telling, 'long-trx')
    expect(told.step('long-trx').findings[0]?.cure?.consent).toBe('ask')
    expect((await teller(mysql, as('killer'), limits).tell('long-trx')).cures.size).toBe(0)
    await told.cure('long-trx')
    await working
    await busy.query('select 1')
    await ok(telling, 'long-trx')
  })

  test('changes that InnoDB cannot clear away are counted', async () => {
    await using reader = await app()
    await reader.query('start transaction with consistent snapshot')
    await reader.query('select * from shop.t')
    await using writer = await app()
    for (let i = 0; i < 200; i++) await writer.query(`update shop.t set v = v + 1 where id = 2`)
    const telling = teller(mysql, as('killer'), { 'long-trx': { warnHistory: 20, critHistory: 1000 } })
    const told = await problem(telling, 'long-trx')
    expect(told.step('long-trx').findings).toMatchObject([{ key: 'history', severity: 'warning' }])
    expect(told.summaries('long-trx')[0]).toMatch(/^InnoDB keeps \d+ old changes .* \(limit 20\)$/)
    await reader.query('commit')
    await ok(telling, 'long-trx')
  })

  test('those who wait for a row are told with the one who holds it, who is ended if listed', async () => {
    await using holder = await app()
    await holder.query('start transaction')
    await holder.query('update shop.t set v = 1 where id = 1')
    await using first = await app()
    await using second = await app()
    const waiting = [first, second].map((each) => each.query('update shop.t set v = 2 where id = 1'))
    const limits = { 'lock-wait': { wait: '1s', waiters: 3 } }
    const telling = teller(mysql, as('killer', { killUsers: ['app'] }), limits)
    const told = await problem(telling, 'lock-wait')
    expect(told.step('lock-wait').findings).toMatchObject([
      { severity: 'warning', evidence: { waiters: 2, blocker: holder.threadId, blockerUser: 'app' } },
    ])
    expect(told.summaries('lock-wait')[0]).toMatch(
      /^locks hold up 2 connections, the longest for \d s \(limit 1 s\)$/,
    )
    expect(advice(told, 'lock-wait')).toContain(`connection ${holder.threadId} of app from 127.0.0.1 (idle`)
    const unlisted = await teller(mysql, as('killer'), limits).tell('lock-wait')
    expect(unlisted.step('lock-wait').outcome).toBe('problem')
    expect(unlisted.cures.size).toBe(0)

    await told.cure('lock-wait')
    await Promise.all(waiting)
    await ok(telling, 'lock-wait')
  })

  test('those who wait for the definition of a table are told, and many of them are critical', async () => {
    await using reader = await app()
    await reader.query('start transaction')
    await reader.query('select * from shop.t')
    await using altering = await app()
    const alter = altering.query('alter table shop.t add c int')
    alter.catch(() => {})
    await using third = await app()
    await until('it waits', async () => {
      const rows = await server.query(
        `select id from information_schema.processlist where state = 'Waiting for table metadata lock'`,
      )
      return rows.length === 1
    })
    const select = third.query('select * from shop.t')
    const telling = teller(mysql, as('killer', { killUsers: ['app'] }), {
      'lock-wait': { wait: '1s', waiters: 2 },
    })
    const told = await toldOf(telling, 'lock-wait', (each) =>
      each.step('lock-wait').findings.some(({ severity }) => severity === 'critical'),
    )
    expect(told.step('lock-wait').findings[0]?.evidence['waiters']).toBe(2)
    expect(advice(told, 'lock-wait')).toContain(`connection ${reader.threadId} of app`)
    expect(told.cures.size).toBe(0)
    await reader.query('commit')
    await Promise.all([alter, select])
    await ok(telling, 'lock-wait')
  })

  test('many deadlocks a minute are told', async () => {
    const telling = teller(mysql, as('killer'), { 'lock-wait': { deadlocksPerMin: 2 } })
    expect((await telling.tell('lock-wait')).step('lock-wait').outcome).toBe('ok')
    await using one = await app()
    await using other = await app()
    for (let i = 0; i < 3; i++) await deadlock(one, other)
    const told = await telling.tell('lock-wait')
    expect(told.step('lock-wait').findings).toMatchObject([{ key: 'deadlocks', severity: 'warning' }])
    expect(told.summaries('lock-wait')[0]).toMatch(/^3 transactions a minute are ended/)
  })

  async function deadlock(one: Connection, other: Connection): Promise<void> {
    for (const each of [one, other]) await each.query('start transaction')
    await one.query('update shop.t set v = 1 where id = 1')
    await other.query('update shop.t set v = 1 where id = 2')
    const both = await Promise.allSettled([
      one.query('update shop.t set v = 1 where id = 2'),
      other.query('update shop.t set v = 1 where id = 1'),
    ])
    expect(both.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    for (const each of [one, other]) await each.query('rollback')
  }
})
