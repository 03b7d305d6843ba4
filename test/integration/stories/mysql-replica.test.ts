import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['mariadb'], 'a MySQL replica', () => {
  let source: Mariadb
  let replica: Mariadb

  beforeAll(async () => {
    source = await startMariadb()
    replica = await startMariadb({ replicaOf: source, args: ['--master-retry-count=2'] })
    await source.query('create database shop; create table shop.t (id int primary key auto_increment, v int)')
    await replica.query(
      `set sql_log_bin = 0; create user blind@'127.0.0.1' identified by 'pw';
       create user mender@'127.0.0.1' identified by 'mend-pw';
       grant process, slave monitor, replication slave admin on *.* to mender@'127.0.0.1'`,
    )
  })
  afterAll(async () => {
    await replica[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  const at = (more: object = {}) => ({ url: replica.url, grace: '0s', ...more })
  const mender = () => at({ url: `mysql://mender:mend-pw@127.0.0.1:${replica.port}` })
  const status = async () => (await replica.query('show slave status'))[0] ?? {}

  async function replicating(): Promise<void> {
    await until('both threads run', async () => {
      const { Slave_IO_Running: io, Slave_SQL_Running: sql } = await status()
      return io === 'Yes' && sql === 'Yes'
    })
  }

  test('a replica that keeps up is well, and a server that is none is no problem', async () => {
    const told = await teller(mysql, at({ expect: 'replica' })).tell('replica-threads', 'replica-lag')
    expect(told.step('replica-threads').outcome).toBe('ok')
    expect(told.step('replica-lag').outcome).toBe('ok')
    const none = await teller(mysql, { url: source.url, grace: '0s' }).tell('replica-threads', 'replica-lag')
    expect(none.step('replica-threads').outcome).toBe('ok')
    expect(none.step('replica-lag').outcome).toBe('ok')
    const lost = await teller(mysql, { url: source.url, expect: 'replica' }).tell('replica-threads')
    expect(lost.step('replica-threads').findings).toMatchObject([{ key: 'none', severity: 'critical' }])
  })

  test('without the right to look it is unknown, and the right is named', async () => {
    const told = await teller(mysql, {
      host: '127.0.0.1',
      port: replica.port,
      user: 'blind',
      password: 'pw',
    }).tell('replica-threads', 'replica-lag')
    expect(told.step('replica-threads').outcome).toBe('unknown')
    expect(told.reason('replica-threads')).toBe('the user blind lacks the right SLAVE MONITOR')
    expect(told.step('replica-lag').outcome).toBe('unknown')
  })

  test('one that a person stopped is a warning without a cure', async () => {
    await replica.query('stop slave')
    const told = await teller(mysql, mender()).tell('replica-threads', 'replica-lag')
    expect(told.step('replica-threads').findings).toMatchObject([{ severity: 'warning' }])
    expect(told.summaries('replica-threads')[0]).toContain('stopped by a person')
    expect(told.cures.size).toBe(0)
    expect(told.step('replica-lag')).toMatchObject({ outcome: 'unknown', findings: [] })
    await replica.query('start slave')
    await replicating()
    expect((await teller(mysql, mender()).tell('replica-threads')).step('replica-threads').outcome).toBe('ok')
  })

  test('a row that is there already stops it, told without the row', async () => {
    await replica.query('set sql_log_bin = 0; insert into shop.t values (77, 4711001)')
    await source.query('insert into shop.t values (77, 4711002)')
    await until('it has stopped', async () => (await status())['Last_SQL_Errno'] === 1062)
    const told = await teller(mysql, mender()).tell('replica-threads', 'replica-lag')
    expect(told.step('replica-threads').findings).toMatchObject([
      { severity: 'critical', evidence: { applyError: 1062 } },
    ])
    expect(told.summaries('replica-threads')[0]).toBe(
      `changes from 127.0.0.1:${source.port} are no longer applied: a row that should be added is there already (error 1062)`,
    )
    expect(told.cures.size).toBe(0)
    expect(JSON.stringify(told.steps)).not.toContain('4711')
    await replica.query('set sql_log_bin = 0; delete from shop.t where id = 77; start slave')
    await replicating()
  })

  test('one that is behind and not catching up is late, until it is near its source again', async () => {
    const limits = { 'replica-lag': { warnLag: '1s', critLag: '1h' } }
    const telling = teller(mysql, at(), limits)
    const lock = await lockTable()
    try {
      await source.query('insert into shop.t (v) values (1)')
      const told = await until('it is late', async () => {
        const each = await telling.tell('replica-lag')
        return each.step('replica-lag').outcome === 'problem' && each
      })
      expect(told.summaries('replica-lag')[0]).toMatch(
        /^the replica is \d s behind its source \(limit 1 s\), and not/,
      )
      expect(
        (await teller(mysql, at({ grace: '1h' }), limits).tell('replica-lag')).step('replica-lag').outcome,
      ).toBe('ok')
      // What was further behind a moment ago is catching up: no news of its own, but still there where it was told.
      const [sample] = Object.values(telling.samples)
      const before = { lags: { '': 5000 }, late: { '': 1 } }
      telling.samples = { 'replica-lag': { at: (sample?.at ?? 0) - 10_000, value: before } }
      const fresh = teller(mysql, at(), limits)
      fresh.samples = telling.samples
      expect((await fresh.tell('replica-lag')).step('replica-lag').outcome).toBe('ok')
      telling.samples = {
        'replica-lag': { at: (sample?.at ?? 0) - 10_000, value: { ...before, late: { '': 2 } } },
      }
      const still = await telling.tell('replica-lag')
      expect(still.summaries('replica-lag')[0]).toContain('and catching up')
    } finally {
      await lock.end()
    }
    await until('it is near', async () => (await status())['Seconds_Behind_Master'] === 0)
    expect((await telling.tell('replica-lag')).step('replica-lag').outcome).toBe('ok')
  })

  test('one that is meant to be behind is not late for that', async () => {
    await replica.query('stop slave; change master to master_delay = 60; start slave')
    await replicating()
    await source.query('insert into shop.t (v) values (2)')
    await until('it is behind', async () => Number((await status())['Seconds_Behind_Master']) > 1)
    const told = await teller(mysql, at(), { 'replica-lag': { warnLag: '1s' } }).tell('replica-lag')
    expect(told.step('replica-lag').outcome).toBe('ok')
    await replica.query('stop slave; change master to master_delay = 0; start slave')
    await replicating()
  })

  test('a source that is gone is told, and once fetching was given up it is started again', async () => {
    await source.kill()
    const telling = teller(mysql, mender())
    const connecting = await until('it knows', async () => {
      const told = await telling.tell('replica-threads')
      return told.step('replica-threads').outcome === 'problem' && told
    })
    expect(connecting.step('replica-threads').findings).toMatchObject([{ severity: 'critical' }])
    const given = await until('it gives up', async () => {
      const told = await telling.tell('replica-threads')
      return told.cures.has('replica-threads') && told
    })
    expect(given.summaries('replica-threads')[0]).toBe(
      `changes from 127.0.0.1:${source.port} are no longer fetched: the source cannot be reached (error 2003)`,
    )
    await expect(
      (await teller(mysql, at()).tell('replica-threads')).cure('replica-threads'),
    ).rejects.toMatchObject({
      reason: { values: ['hz', 'REPLICATION SLAVE ADMIN'] },
    })
    await source.restart()
    await given.cure('replica-threads')
    await replicating()
    expect((await telling.tell('replica-threads')).step('replica-threads').outcome).toBe('ok')
  })

  /** Keeps the replica from applying changes until it is unlocked. */
  async function lockTable() {
    const connection = await createConnection({ socketPath: replica.socket, user: 'root' })
    await connection.query('lock tables shop.t write')
    return connection
  }
})
