import { expect, test } from 'vitest'
import prom from '../../../../stories/prom/index.ts'
import { numberOf, written } from '../../../../stories/prom/values.ts'
import { type RecordedAnswer, startRecordedHttp } from '../../../support/servers/recorded-http.ts'
import { teller } from '../../../support/teller.ts'

const one: RecordedAnswer = { body: { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } } }

test('values are read in any of the ways that they are written', () => {
  expect(['1e+00', '+Inf', '-Inf', '0.5'].map(numberOf)).toEqual([1, Infinity, -Infinity, 0.5])
  expect(['NaN', '', undefined].map(numberOf)).toEqual([Number.NaN, Number.NaN, Number.NaN])
})

test('labels are written in one order', () => {
  expect(written({ job: 'b', __name__: 'up', instance: 'a' })).toBe('up{instance="a", job="b"}')
  expect([written({}), written({ __name__: 'up' })]).toEqual(['', 'up'])
})

test('one that is not ready is one critical problem', async () => {
  await using server = await startRecordedHttp({
    answers: { '/-/ready': { status: 503, body: 'Service Unavailable' } },
  })
  const told = await teller(prom, { url: server.url }).tell()
  expect(told.step('connect').findings).toMatchObject([
    { severity: 'critical', evidence: { kind: 'starting' } },
  ])
  expect(told.summaries('connect')).toEqual([
    `127.0.0.1:${server.port} answers, but is not ready to serve queries`,
  ])
  expect(told.step('up').outcome).toBe('skipped')
})

test.each<[string, RecordedAnswer, string]>([
  [
    'takes too long',
    {
      status: 503,
      body: { status: 'error', errorType: 'timeout', error: 'query timed out in expression evaluation' },
    },
    'Prometheus says: query timed out in expression evaluation',
  ],
  ['gives a page', { body: '<html>' }, 'Prometheus gave an answer of another form'],
  ['knows no API', { status: 404 }, 'this server has no such question in its API'],
  ['fails', { status: 500, body: 'oops' }, 'Prometheus answered with HTTP status 500'],
  [
    'is wrong',
    { body: { status: 'success', data: { resultType: 'scalar', result: [1, '2'] } } },
    'it gives a wrong result for the query 1',
  ],
])('one that %s runs no queries, and what it does not tell is unknown', async (_, answer, why) => {
  const answers = { '/-/ready': {}, '/api/v1/query': answer }
  await using server = await startRecordedHttp({ answers })
  const told = await teller(prom, { url: server.url }).tell()
  expect(told.summaries('up')).toEqual([`127.0.0.1:${server.port} does not run queries: ${why}`])
  expect([told.step('targets').outcome, told.step('rules').outcome]).toEqual(['unknown', 'unknown'])
})

test('a login that is missing or refused is one problem', async () => {
  const answers = { '/-/ready': {}, '/api/v1/query': one }
  await using server = await startRecordedHttp({ authorization: 'Bearer right-token', answers })
  const kinds = []
  for (const login of [{}, { token: 'wrong-token' }, { user: 'me', password: 'pass' }])
    kinds.push(
      (await teller(prom, { url: server.url, ...login }).tell()).step('connect').findings[0]?.evidence[
        'kind'
      ],
    )
  expect(kinds).toEqual(['auth-missing', 'auth-failed', 'auth-failed'])
  const right = await teller(prom, { url: server.url, token: 'right-token' }).tell('up')
  expect(right.step('up').outcome).toBe('ok')
})

test('a server behind a path, that does not know "ready", is asked there', async () => {
  await using server = await startRecordedHttp({ answers: { '/prometheus/api/v1/query': one } })
  const told = await teller(prom, { url: `${server.url}/prometheus/` }).tell('up')
  expect(told.step('up').outcome).toBe('ok')
})

test('an error of a target is shown without its URL', async () => {
  const lastError = 'Get "http://a:1/metrics?key=hunter2": dial tcp 10.0.0.1:1: connect: connection refused'
  const target = { labels: { instance: 'a:1' }, scrapePool: 'a', health: 'down', lastError }
  const answers = {
    '/-/ready': {},
    '/api/v1/targets': { body: { status: 'success', data: { activeTargets: [target] } } },
  }
  await using server = await startRecordedHttp({ answers })
  const told = await teller(prom, { url: server.url }, { targets: { down: '0s' } }).tell('targets')
  expect(told.step('targets').findings).toMatchObject([
    { evidence: { lastError: 'dial tcp 10.0.0.1:1: connect: connection refused' } },
  ])
})

test.each([
  [{}],
  [{ queries: [{ name: 'a', query: '1' }], scrape: [{ url: 'http://a' }] }],
  [{ url: 'http://a', queries: [{ name: 'a', query: '1', noData: 'ok' }] }],
  [
    {
      url: 'http://a',
      queries: [
        { name: 'a', query: '1' },
        { name: 'a', query: '2' },
      ],
    },
  ],
  [{ url: 'http://a', queries: [{ name: 'a', query: '1', warn: 'much' }] }],
])('%o is refused in the configuration', (options) => {
  expect(prom.options.safeParse(options).success).toBe(false)
})
