import { afterAll, beforeAll, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { type Teller, type Told, teller } from '../../support/teller.ts'

const hour = 3_600_000

describeWith(['mariadb'], 'the tables of a MySQL server', () => {
  let server: Mariadb
  const at = (user = 'reader') => ({ host: '127.0.0.1', port: server.port, user, password: 'pw' })

  beforeAll(async () => {
    server = await startMariadb()
    await server.query(
      `create user reader@'127.0.0.1' identified by 'pw'; create user blind@'127.0.0.1' identified by 'pw';
       create database shop; grant select on shop.* to reader@'127.0.0.1'; grant process on *.* to blind@'127.0.0.1';
       create table shop.small (id int primary key auto_increment, v int);
       insert into shop.small (v) values (1), (2)`,
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** As if all of it had happened earlier. */
  function age(telling: Pick<Teller<unknown, unknown>, 'samples'>, step: string, ms: number): void {
    const sample = telling.samples[step]
    if (sample === undefined) throw new Error(`nothing remembered of ${step}`)
    const { base } = sample.value as { base: { at: number } | null }
    const aged = { ...(sample.value as object), base: base && { ...base, at: base.at - ms } }
    telling.samples = { ...telling.samples, [step]: { at: sample.at - ms, value: aged } }
  }

  const notes = (told: Told, step: string) => told.step(step).notes.map((note) => render(note))

  test('numbers that run out are told with type, share and the time that is left', async () => {
    const telling = teller(mysql, at())
    expect((await telling.tell('auto-increment')).step('auto-increment').outcome).toBe('ok')
    await server.query(
      `create table shop.many (id int primary key auto_increment) auto_increment = 1600000001;
       insert into shop.many values (null);
       create table shop.big (id int unsigned primary key auto_increment) auto_increment = 4000000000;
       insert into shop.big values (null);
       create table shop.tiny (id tinyint primary key auto_increment); insert into shop.tiny values (120);
       create table shop.wide (id bigint primary key auto_increment) auto_increment = 4000000000;
       create table shop.half (id int unsigned primary key auto_increment) auto_increment = 2147483640`,
    )
    const remembered = await telling.tell('auto-increment')
    expect(remembered.step('auto-increment').outcome).toBe('ok')
    expect(notes(remembered, 'auto-increment')[0]).toMatch(
      /^as it was [\d.]+ m?s ago; it is asked once an hour$/,
    )

    age(telling, 'auto-increment', hour)
    const told = await telling.tell('auto-increment')
    expect(told.step('auto-increment').findings).toMatchObject([
      { key: 'shop.tiny', severity: 'critical', evidence: { percent: 94.5 } },
      { key: 'shop.big', severity: 'critical', evidence: { percent: 93.1, type: 'int(10) unsigned' } },
      { key: 'shop.many', severity: 'warning', evidence: { percent: 74.5, next: 1_600_000_002 } },
    ])
    expect(told.summaries('auto-increment')[2]).toBe(
      '75 % of the numbers of shop.many.id (int(11), up to 2 147 483 647) are used (limit 70 %)',
    )

    // Asked again each time while something is wrong; the pace is that of an hour or more.
    age(telling, 'auto-increment', 2 * hour)
    await server.query('alter table shop.many auto_increment = 1700000000')
    const later = await telling.tell('auto-increment')
    expect(later.summaries('auto-increment')[2]).toMatch(
      /are used \(limit 70 %\); at the pace of the last 2 h they end in (8 h 5\d|9 h)/,
    )
    await server.query('drop table shop.many, shop.big, shop.tiny')
    expect((await telling.tell('auto-increment')).step('auto-increment').outcome).toBe('ok')
  })

  test('a user who sees no table cannot tell that all are fine', async () => {
    const told = await teller(mysql, at('blind'), { 'table-size': {} }).tell('auto-increment', 'table-size')
    for (const step of ['auto-increment', 'table-size']) {
      expect(told.step(step).outcome).toBe('unknown')
      expect(told.reason(step)).toBe(
        'the user blind sees no table; grant it SELECT on the databases to watch',
      )
    }
  })

  test('a table that is too large is told with its growth', async () => {
    const limits = { 'table-size': { tableGiB: 0.001 } }
    await server.query('create table shop.log (id int primary key auto_increment, line varchar(1000))')
    const telling = teller(mysql, at(), limits)
    expect((await telling.tell('table-size')).step('table-size').outcome).toBe('ok')
    await server.query(
      `insert into shop.log (line) select repeat('x', 1000) from shop.seq_1_to_3000; analyze table shop.log`,
    )
    expect((await telling.tell('table-size')).step('table-size').outcome).toBe('ok')
    age(telling, 'table-size', 3 * hour)
    const told = await telling.tell('table-size')
    expect(told.step('table-size').findings).toMatchObject([{ key: 'shop.log', severity: 'warning' }])
    expect(told.summaries('table-size')[0]).toMatch(
      /^the table shop.log holds \d(\.\d)? MiB \(limit 1 MiB\), \d(\.\d)? MiB more than 3 h ago$/,
    )
    await server.query('drop table shop.log')
    expect((await telling.tell('table-size')).step('table-size').outcome).toBe('ok')
  })
})
