import { request } from 'node:http'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import influxdb from '../../../stories/influxdb/index.ts'
import { describeWith } from '../../support/needs.ts'
import { freezeWhole } from '../../support/servers/frozen.ts'
import { type Influxdb, startInfluxdb } from '../../support/servers/influxdb.ts'
import { startNginx } from '../../support/servers/nginx.ts'
import { freePort } from '../../support/servers/ports.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'
const hosts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `m2,host=h${from + index} v=1`)

describeWith(['influxdb'], 'an InfluxDB 1', () => {
  let influx: Influxdb
  beforeAll(async () => {
    influx = await startInfluxdb({ data: ['max-series-per-database = 1000'] })
    for (const database of ['metrics', 'other']) await influx.run(`CREATE DATABASE ${database}`)
    await influx.run(`CREATE USER healthz WITH PASSWORD '${marker}'`)
    await influx.run('GRANT READ ON metrics TO healthz')
    await influx.run(`CREATE USER stranger WITH PASSWORD '${marker}'`)
    await influx.write('metrics', `cpu,host=a idle=1 ${Date.now()}`)
  })
  afterAll(() => influx?.[Symbol.asyncDispose]())

  const reader = { user: 'healthz', password: marker }
  const tellerOf = (
    more: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(influxdb, { url: influx.url, ...reader, ...more }, steps)
  const idle = { database: 'metrics', measurement: 'cpu', field: 'idle' }

  test('a healthy server has no problem for a user with the documented right and no more', async () => {
    const told = await tellerOf({ expectDatabases: ['metrics'], fresh: [idle] }, { shards: {} }).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      health: 'unknown',
      databases: 'ok',
      'write-errors': 'ok',
      series: 'ok',
      fresh: 'ok',
      shards: 'ok',
    })
    expect(told.reason('health')).toMatch(/^InfluxDB 1\.6\.7\S* has no check of its own health/)
    for (const shown of [JSON.stringify(told), inspect(told, { depth: 20 })])
      expect(shown).not.toContain(marker)
  })

  test('a database that is missing is told to an administrator, who sees all', async () => {
    const expectDatabases = ['metrics', 'nosuch']
    const told = await tellerOf({ ...influx.admin, expectDatabases }).tell('databases')
    expect(told.summaries('databases')).toEqual(['there is no database nosuch'])
    expect(told.step('databases').findings).toMatchObject([{ severity: 'critical', confirm: 1 }])
    await influx.run('CREATE DATABASE nosuch')
    expect(
      (await tellerOf({ ...influx.admin, expectDatabases }).tell('databases')).step('databases').outcome,
    ).toBe('ok')
  })

  test('a database that a user does not see may just be hidden from him, unless it was seen before', async () => {
    const watch = tellerOf({ expectDatabases: ['metrics', 'brief'] })
    const told = await watch.tell('databases')
    expect(told.step('databases')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('databases')).toContain('the user healthz does not see brief: missing, or the right')
    await influx.run('CREATE DATABASE brief')
    await influx.run('GRANT READ ON brief TO healthz')
    expect((await watch.tell('databases')).step('databases').outcome).toBe('ok')
    await influx.run('DROP DATABASE brief')
    for (const again of [await watch.tell('databases'), await watch.tell('databases')])
      expect(again.summaries('databases')).toEqual([expect.stringContaining('the database brief is gone')])
  })

  test('points that are dropped are counted between two tellings, and a restart is no loss', async () => {
    const watch = tellerOf()
    expect((await watch.tell('write-errors')).step('write-errors').outcome).toBe('ok')
    expect(await influx.write('metrics', 'cpu,host=a idle="text"')).toBe(400)
    const told = await watch.tell('write-errors')
    expect(told.summaries('write-errors')).toEqual([
      expect.stringMatching(/^1 point dropped in .+ \(limit 0\)$/),
    ])
    expect(told.step('write-errors').findings).toMatchObject([
      { key: 'dropped', severity: 'critical', evidence: { dropped: 1 } },
    ])
    expect((await watch.tell('write-errors')).step('write-errors').outcome).toBe('ok')
    await influx.restart()
    expect((await watch.tell('write-errors')).step('write-errors').outcome).toBe('ok')
  })

  test('series that near the limit of the server are told, and it has to be a limit the user may know', async () => {
    await influx.run('CREATE DATABASE wide')
    expect(await influx.write('wide', ...hosts(0, 900))).toBe(204)
    const known = await tellerOf(influx.admin).tell('series')
    expect(known.summaries('series')).toEqual([
      '900 series in wide: 90 % of the 1000 that it may have (limit 80 %)',
    ])
    expect(known.step('series').findings).toMatchObject([{ key: 'wide', severity: 'warning' }])
    const reading = await tellerOf().tell('series')
    expect(reading.step('series')).toMatchObject({ outcome: 'ok' })
    expect(JSON.stringify(reading.step('series').notes)).toContain('may not read max-series-per-database')
    const configured = await tellerOf({}, { series: { perDatabase: 1000 } }).tell('series')
    expect(configured.step('series').outcome).toBe('problem')

    expect(await influx.write('wide', ...hosts(900, 1000))).toBe(204)
    const watch = tellerOf(influx.admin)
    const full = await watch.tell('series')
    expect(full.step('series').findings).toMatchObject([{ severity: 'critical', evidence: { series: 1000 } }])
    expect((await watch.tell('write-errors')).step('write-errors').outcome).toBe('ok')
    expect(await influx.write('wide', ...hosts(1000, 1007))).toBe(400)
    expect((await watch.tell('write-errors')).step('write-errors').findings).toMatchObject([
      { key: 'dropped', evidence: { dropped: 7 } },
    ])
    await influx.run('DROP DATABASE wide')
    expect((await watch.tell('series')).step('series').outcome).toBe('ok')
  })

  test('many series are told where they also grow', async () => {
    const limits = { series: { max: 10, perMin: 100 } }
    const watch = tellerOf(influx.admin, limits)
    await influx.run('CREATE DATABASE growing')
    await influx.write('growing', ...hosts(0, 50))
    expect((await watch.tell('series')).step('series').outcome).toBe('ok')
    await influx.write('growing', ...hosts(50, 350))
    const told = await watch.tell('series')
    expect(told.summaries('series')).toEqual([
      expect.stringMatching(/^350 series in growing \(limit 10\), and [\d ]+ more a minute \(limit 100\)$/),
    ])
    expect((await watch.tell('series')).step('series').outcome).toBe('ok')
    await influx.run('DROP DATABASE growing')
  })

  test('a stream that stopped is told with the age of its newest value', async () => {
    const hour = 3_600_000
    await influx.write('metrics', `stopped v=1 ${Date.now() - 2 * hour}`, `stopped v=1 ${Date.now() + hour}`)
    const stopped = { database: 'metrics', measurement: 'stopped', field: 'v' }
    const told = await tellerOf({ fresh: [idle, { ...stopped, maxAge: '1h' }] }).tell('fresh')
    expect(told.summaries('fresh')).toEqual([
      expect.stringMatching(/^the newest value of metrics\.stopped\.v is 2 h old \(limit 1 h\)$/),
    ])
    expect(told.step('fresh').findings).toMatchObject([{ severity: 'warning', key: 'metrics.stopped.v' }])
    const late = await tellerOf({ fresh: [{ ...stopped, maxAge: '10m' }] }).tell('fresh')
    expect(late.step('fresh').findings).toMatchObject([{ severity: 'critical' }])
    const never = await tellerOf({ fresh: [{ ...stopped, field: 'nosuch' }] }).tell('fresh')
    expect(never.summaries('fresh')).toEqual(['metrics.stopped.nosuch has no value at all'])
    const quoted = await tellerOf({ fresh: [{ ...stopped, field: 'a"; DROP DATABASE metrics --' }] }).tell(
      'fresh',
    )
    expect(quoted.step('fresh').findings).toHaveLength(1)
    await influx.write('metrics', `stopped v=1 ${Date.now()}`)
    expect((await tellerOf({ fresh: [stopped] }).tell('fresh')).step('fresh').outcome).toBe('ok')
  })

  test('a user without a right is told which one', async () => {
    const stranger = { user: 'stranger', password: marker }
    const told = await tellerOf({ ...stranger, fresh: [idle] }, { 'slow-queries': {} }).tell()
    expect(told.step('fresh').outcome).toBe('unknown')
    expect(told.reason('fresh')).toBe(
      'the user stranger lacks READ on metrics; run: GRANT READ ON "metrics" TO "stranger"',
    )
    expect(told.reason('slow-queries')).toContain('GRANT ALL PRIVILEGES TO "stranger"')
    const missing = await tellerOf({ fresh: [{ ...idle, database: 'nowhere' }], ...influx.admin }).tell(
      'fresh',
    )
    expect(missing.reason('fresh')).toBe('InfluxDB says: database not found: nowhere')
  })

  test('a query that runs for too long is told without its text, and ended where a person consents', async () => {
    await influx.run('CREATE DATABASE large')
    const lines = Array.from({ length: 40_000 }, (_, index) => `m,host=a v="${'x'.repeat(200)}" ${index + 1}`)
    // Of a batch each point counts as a series until the series is there.
    for (const batch of [lines.slice(0, 1), lines]) expect(await influx.write('large', ...batch)).toBe(204)
    const login = `Basic ${btoa(`${influx.admin.user}:${influx.admin.password}`)}`
    const q = encodeURIComponent(`SELECT * FROM m, m, m, m WHERE host !~ /${marker}/`)
    // Its reader does not read, so that the query cannot end.
    const reading = request(`${influx.url}/query?db=large&chunked=true&q=${q}`, {
      headers: { authorization: login },
    })
    reading.on('error', () => {})
    reading.on('response', (answer) => answer.on('error', () => {}).pause())
    reading.end()
    try {
      const watch = tellerOf(influx.admin, { 'slow-queries': { longest: '300ms' } })
      const told = await until('the query is slow', async () => {
        const answer = await watch.tell('slow-queries')
        return answer.step('slow-queries').outcome === 'problem' && answer
      })
      const [{ key = '' } = {}] = told.step('slow-queries').findings
      expect(told.summaries('slow-queries')).toEqual([
        expect.stringMatching(/^query \d+ \(SELECT\) on large has been running for .+ \(limit 300 ms\)$/),
      ])
      expect(JSON.stringify(told)).not.toContain(marker)
      expect(told.cures.get(`slow-queries/${key}`)?.consent).toBe('ask')
      await told.cure(`slow-queries/${key}`)
      expect(await influx.run('SHOW QUERIES')).toMatch(/killed|^(?!.*SELECT)/)
      reading.destroy()
      await until('the query is gone', async () => {
        const answer = await watch.tell('slow-queries')
        return answer.step('slow-queries').outcome === 'ok'
      })
      await expect(
        told.cures.get(`slow-queries/${key}`)?.run({ signal: AbortSignal.timeout(5000) }),
      ).rejects.toMatchObject({ reason: { template: 'the query has ended by itself' } })
    } finally {
      reading.destroy()
    }
  })

  test('many shards are told', async () => {
    const told = await tellerOf({}, { shards: { max: 1 } }).tell('shards')
    expect(told.summaries('shards')).toEqual([expect.stringMatching(/^there are \d+ shards \(limit 1\)$/)])
  })

  test('a login that is refused, or missing, is one problem', async () => {
    const wrong = await tellerOf({ password: 'wrong' }).tell()
    expect(wrong.step('connect').findings).toMatchObject([{ evidence: { kind: 'auth-failed' } }])
    expect(wrong.step('series').outcome).toBe('skipped')
    const none = await teller(influxdb, { url: influx.url }).tell()
    expect(none.step('connect').findings).toMatchObject([{ evidence: { kind: 'auth-missing' } }])
  })

  test('a server that hangs is one problem, told within 5 s, and well again when it goes on', async () => {
    const watch = tellerOf()
    await freezeWhole(influx)
    try {
      const start = performance.now()
      const told = await watch.tell()
      expect(performance.now() - start).toBeLessThan(5000)
      const problems = Object.values(told.steps).flatMap(({ findings }) => findings)
      expect(problems).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
      expect(told.summaries('connect')[0]).toContain('accepts TCP but does not answer')
    } finally {
      influx.thaw()
    }
    expect((await watch.tell()).step('connect').outcome).toBe('ok')
  })
})

describeWith(['influxdb'], 'an InfluxDB 1 that is not there, or lets everybody in', () => {
  test('one that is dead is one problem', async () => {
    const told = await teller(influxdb, { url: `http://127.0.0.1:${await freePort()}` }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'refused' } }])
  })

  test('one without logins needs no right at all', async () => {
    await using open = await startInfluxdb({ auth: false })
    await open.run('CREATE DATABASE metrics')
    const watch = teller(influxdb, { url: open.url, expectDatabases: ['metrics', 'nosuch'] })
    const told = await watch.tell('databases', 'write-errors', 'series')
    expect(told.outcomes()).toEqual({ databases: 'problem', 'write-errors': 'ok', series: 'ok' })
  })
})

describeWith(['influxdb', 'nginx'], 'an InfluxDB 1 whose counters are closed', () => {
  test('the series are asked for one by one, and what only the counters tell is unknown', async () => {
    await using influx = await startInfluxdb()
    await influx.run('CREATE DATABASE metrics')
    await influx.write('metrics', ...hosts(0, 30))
    await influx.run(`CREATE USER healthz WITH PASSWORD '${marker}'`)
    await using nginx = await startNginx({
      server: `location /debug { return 403; } location / { proxy_pass ${influx.url}; }`,
    })
    const login = { url: nginx.url, user: 'healthz', password: marker }
    const watch = teller(influxdb, login, { series: { perDatabase: 30 }, shards: {} })
    const blind = await watch.tell()
    expect(blind.outcomes()).toEqual({
      connect: 'ok',
      health: 'unknown',
      'write-errors': 'unknown',
      series: 'unknown',
      shards: 'unknown',
    })
    expect(blind.reason('write-errors')).toContain('the user healthz may not read /debug/vars')
    expect(blind.reason('series')).toBe('the user healthz may read no database')
    await influx.run('GRANT READ ON metrics TO healthz')
    expect((await watch.tell('series')).step('series').findings).toMatchObject([
      { key: 'metrics', severity: 'critical', evidence: { series: 30 } },
    ])
  })
})
