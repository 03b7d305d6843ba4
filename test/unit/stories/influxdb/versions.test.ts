import { expect, test } from 'vitest'
import influxdb from '../../../../stories/influxdb/index.ts'
import { type RecordedAnswer, startRecordedHttp } from '../../../support/servers/recorded-http.ts'
import { teller } from '../../../support/teller.ts'

const token = 'hunter2SECRET'
const bucket = '0c3dd7d2d97f4b23'

/** The lines of the metrics that the documentation of InfluxDB 2 shows. */
const metrics = ({ dropped = 0, series = 38, started = 1.6e9 } = {}) => `
# HELP storage_bucket_series_num Gauge of series cardinality per bucket
# TYPE storage_bucket_series_num gauge
storage_bucket_series_num{bucket="${bucket}"} ${series}
storage_cache_inuse_bytes{bucket="${bucket}",engine="tsm1",id="561",path="/Users/me/.influxdbv2/engine/data/${bucket}/autogen/561",walPath="/Users/me/.influxdbv2/engine/wal/${bucket}/autogen/561"} 0
storage_compactions_failed{bucket="${bucket}",engine="tsm1",id="565",level="1",path="/Users/me"} 0
storage_shard_disk_size{bucket="${bucket}",engine="tsm1",id="561",path="/Users/me"} 4.188743e+06
storage_wal_writes_err{bucket="${bucket}",engine="tsm1",id="561",path="/Users/me"} 0
# HELP storage_writer_dropped_points Histogram of number of points dropped due to partial writes
# TYPE storage_writer_dropped_points histogram
storage_writer_dropped_points_bucket{path="/Users/me/.influxdbv2/engine",le="+Inf"} 0
storage_writer_dropped_points_sum{path="/Users/me/.influxdbv2/engine"} ${dropped}
storage_writer_dropped_points_count{path="/Users/me/.influxdbv2/engine"} 0
storage_writer_err_points_sum{path="/Users/me/.influxdbv2/engine"} 0
storage_writer_timeouts{path="/Users/me/.influxdbv2/engine"} 0
process_start_time_seconds ${started}
task_scheduler_execute_delta{quantile="0.5"} NaN
`

const two = (): Record<string, RecordedAnswer> => ({
  '/ping': {
    status: 204,
    headers: { 'X-Influxdb-Build': 'OSS', 'X-Influxdb-Version': 'v2.7.1' },
    isOpen: true,
  },
  '/health': {
    body: {
      name: 'influxdb',
      message: 'ready for queries and writes',
      status: 'pass',
      checks: [],
      version: 'v2.7.1',
      commit: '407fa622e9',
    },
    isOpen: true,
  },
  '/api/v2/buckets': { body: { links: {}, buckets: [{ id: bucket, type: 'user', name: 'telegraf' }] } },
  '/metrics': { body: metrics(), isOpen: true },
  '/query': {
    body: {
      results: [
        { statement_id: 0, series: [{ name: 'cpu', columns: ['time', 'last'], values: [[Date.now(), 1]] }] },
      ],
    },
  },
})

const fresh = [{ database: 'telegraf', measurement: 'cpu', field: 'idle' }]

test('an InfluxDB 2 is asked with its token, and tells its buckets, series and losses', async () => {
  const answers = two()
  await using server = await startRecordedHttp({ authorization: `Token ${token}`, answers })
  const watch = teller(
    influxdb,
    { url: server.url, token, expectDatabases: ['telegraf'], fresh },
    { shards: {} },
  )
  expect((await watch.tell()).outcomes()).toEqual({
    connect: 'ok',
    health: 'ok',
    databases: 'ok',
    'write-errors': 'ok',
    series: 'ok',
    fresh: 'ok',
    shards: 'ok',
  })
  answers['/metrics'] = { body: metrics({ dropped: 12 }), isOpen: true }
  expect((await watch.tell('write-errors')).step('write-errors').findings).toMatchObject([
    { key: 'dropped', severity: 'critical', evidence: { dropped: 12 } },
  ])
  answers['/metrics'] = { body: metrics({ dropped: 40, started: 1.7e9 }), isOpen: true }
  expect((await watch.tell('write-errors')).step('write-errors').outcome).toBe('ok')
})

test('a bucket with many series is told by its name', async () => {
  const answers = two()
  await using server = await startRecordedHttp({ authorization: `Token ${token}`, answers })
  const watch = teller(influxdb, { url: server.url, token }, { series: { max: 100, perMin: 1 } })
  await watch.tell('series')
  answers['/metrics'] = { body: metrics({ series: 5000 }), isOpen: true }
  expect((await watch.tell('series')).summaries('series')).toEqual([
    expect.stringContaining('5000 series in telegraf (limit 100)'),
  ])
})

test('an InfluxDB 2 that is not well says why, and a wrong token is one problem', async () => {
  const answers = two()
  answers['/health'] = {
    status: 503,
    body: { name: 'influxdb', message: 'metadata store is locked', status: 'fail', checks: [] },
    isOpen: true,
  }
  await using server = await startRecordedHttp({ authorization: `Token ${token}`, answers })
  const told = await teller(influxdb, { url: server.url, token }).tell('health')
  expect(told.summaries('health')).toEqual([
    'InfluxDB 2.7.1 says that it is not well: metadata store is locked',
  ])
  const wrong = await teller(influxdb, { url: server.url, token: 'another' }).tell()
  expect(wrong.step('connect').findings).toMatchObject([{ evidence: { kind: 'auth-failed' } }])
  const none = await teller(influxdb, { url: server.url }).tell()
  expect(none.step('connect').findings).toMatchObject([{ evidence: { kind: 'auth-missing' } }])
})

test('a token that may not see a bucket does not make it missing', async () => {
  await using server = await startRecordedHttp({ authorization: `Token ${token}`, answers: two() })
  const told = await teller(influxdb, { url: server.url, token, expectDatabases: ['other'] }).tell(
    'databases',
  )
  expect(told.step('databases')).toMatchObject({ outcome: 'unknown', findings: [] })
})

test('of an InfluxDB 3 only what it tells is told; the rest is unknown, never ok', async () => {
  const answers: Record<string, RecordedAnswer> = {
    '/ping': {
      headers: { 'x-influxdb-version': '3.2.1', 'x-influxdb-build': 'Core' },
      body: { version: '3.2.1', revision: '1ca3168bee', process_id: 'b0a6b3a3-4d3a-4f6e-9d36-1e2f3a4b5c6d' },
    },
    '/health': { body: 'OK' },
  }
  await using server = await startRecordedHttp({ authorization: `Bearer ${token}`, answers })
  const options = { url: server.url, token, expectDatabases: ['telegraf'] }
  const told = await teller(influxdb, options).tell()
  expect(told.outcomes()).toEqual({
    connect: 'ok',
    health: 'ok',
    databases: 'unknown',
    'write-errors': 'unknown',
    series: 'unknown',
  })
  expect(told.reason('series')).toBe('InfluxDB 3.2.1 does not tell this; switch this step off')
  answers['/health'] = { status: 500, body: 'down' }
  expect((await teller(influxdb, options).tell('health')).step('health').outcome).toBe('problem')
})

test.each<[string, RecordedAnswer]>([
  ['a web page', { body: '<html>welcome</html>' }],
  ['nothing but a status', { status: 204 }],
  ['a version that is none', { headers: { 'x-influxdb-version': 'unknown' } }],
])('%s is no InfluxDB', async (_, ping) => {
  await using server = await startRecordedHttp({ answers: { '/ping': ping } })
  const told = await teller(influxdb, { url: server.url }).tell()
  expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
})

test.each<[string, RecordedAnswer]>([
  ['no JSON', { body: 'oops' }],
  ['another document', { body: { results: 7 } }],
  ['counters without those of the writes', { body: { system: {}, httpd: { name: 'httpd', values: {} } } }],
])('answers of another form (%s) are unknown', async (_, odd) => {
  const answers = {
    '/ping': { status: 204, headers: { 'x-influxdb-version': '1.8.10' } },
    '/query': { body: { results: [{ statement_id: 0 }] } },
    '/health': odd,
    '/debug/vars': odd,
  }
  await using server = await startRecordedHttp({ answers })
  const told = await teller(influxdb, { url: server.url }).tell()
  expect(told.outcomes()).toEqual({
    connect: 'ok',
    health: 'unknown',
    'write-errors': 'unknown',
    series: 'unknown',
  })
})

test('a statement that failed inside an answer with status 200 has failed', async () => {
  const answers = {
    '/ping': { status: 204, headers: { 'x-influxdb-version': '1.8.10' } },
    '/query': { body: { results: [{ statement_id: 0, error: 'timeout' }] } },
  }
  await using server = await startRecordedHttp({ answers })
  const told = await teller(influxdb, { url: server.url }).tell()
  expect(told.step('connect').findings).toMatchObject([{ severity: 'critical' }])
  expect(told.summaries('connect')).toEqual([
    `127.0.0.1:${server.port} answers a ping, but does not list its databases: InfluxDB says: timeout`,
  ])
})
