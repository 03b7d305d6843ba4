import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import http from '../../../stories/http/index.ts'
import { describeWith } from '../../support/needs.ts'
import { startGunicorn } from '../../support/servers/gunicorn.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { type Nginx, startNginx } from '../../support/servers/nginx.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const outcomesOf = (told: Told) => Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)

describe('the presets', () => {
  test('grafana asks for its health, and whether its database answers', async () => {
    await using server = await startHttpReceiver()
    const grafana = teller(http, { url: server.url, preset: 'grafana' })
    // As Grafana 10 answers.
    server.answer({
      status: 200,
      body: { commit: '161e3cac5075540918e3a39004f2364ad104d5bb', database: 'ok', version: '10.2.0' },
    })
    expect(outcomesOf(await grafana.tell())).toEqual([
      'connect ok',
      'status ok',
      'latency ok',
      'body ok',
      'json ok',
      'redirect ok',
    ])
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/health'])
    server.answer({ status: 503, body: { commit: '161e3cac50', database: 'failing', version: '10.2.0' } })
    const told = await grafana.tell()
    expect(told.summaries('body')).toEqual([
      `${server.url}/api/health does not say what it should: database is "failing" and should be "ok"`,
    ])
    expect(told.step('status').outcome).toBe('problem')
  })

  test('what an entry sets itself goes before its preset', async () => {
    await using server = await startHttpReceiver()
    server.answer({ status: 200, body: { database: 'ok', version: '9.1' } })
    const json = [{ path: 'version', name: 'Grafana', minimum: '10' }]
    const url = `${server.url}/grafana/api/health`
    const told = await teller(http, { url, preset: 'grafana', json }).tell()
    expect(told.summaries('json')).toEqual(['Grafana is 9.1 (at least 10 is needed)'])
    expect(server.requests[0]?.path).toBe('/grafana/api/health')
  })

  test('es takes a red cluster for a problem', async () => {
    await using server = await startHttpReceiver()
    const es = teller(http, { url: server.url, preset: 'es' })
    const health = { cluster_name: 'docs', status: 'yellow', timed_out: false, number_of_nodes: 3 }
    server.answer({ status: 200, body: health })
    expect((await es.tell('body')).step('body').outcome).toBe('ok')
    server.answer({ status: 200, body: { ...health, status: 'red' } })
    expect((await es.tell('body')).step('body').outcome).toBe('problem')
    expect(server.requests[0]?.path).toBe('/_cluster/health')
  })

  test.each([{ preset: 'apache' }, { preset: 'nginx', method: 'HEAD' }])('%o is refused', (options) => {
    expect(http.options.safeParse({ url: 'http://a.example', ...options }).success).toBe(false)
  })
})

describeWith(['nginx'], 'the preset nginx', () => {
  let nginx: Nginx
  beforeAll(async () => {
    nginx = await startNginx({
      server: `
        location = /nginx_status { stub_status; }
        location = / { return 200 'Active connections: 1'; }
      `,
    })
  })
  afterAll(() => nginx?.[Symbol.asyncDispose]())

  const tellerOf = (url = nginx.url, limits: Record<string, unknown> = {}) =>
    teller(http, { url, preset: 'nginx' }, { nginx: limits })

  test('tells its figures, and finds nothing wrong with an idle one', async () => {
    const told = await tellerOf().tell()
    expect(outcomesOf(told)).toEqual([
      'connect ok',
      'status ok',
      'latency ok',
      'body ok',
      'redirect ok',
      'nginx ok',
    ])
    expect(told.step('nginx').notes).toMatchObject([{ values: [{ count: 1 }, 0, 1, 0, expect.anything()] }])
  })

  test('connections that it turned away are told, once', async () => {
    const full = tellerOf()
    expect((await full.tell('nginx')).step('nginx').outcome).toBe('ok')
    {
      // Whoever leaves sooner makes room for those who still wait to be accepted.
      using _crowd = await crowd(nginx.port, 100)
      await until('nginx has turned many away', () => {
        const turnedAway = nginx.log().match(/worker_connections are not enough\s*$/gm) ?? []
        return turnedAway.length > 20
      })
    }
    const told = await until('nginx answers again', async () => {
      const now = await full.tell('nginx')
      return now.step('nginx').outcome !== 'skipped' && now
    })
    expect(told.summaries('nginx')).toEqual([
      expect.stringMatching(
        /^nginx turned away \d+ of \d+ connections since the last look \(\d+ %, limit 0 %\)$/,
      ),
    ])
    const [finding] = told.step('nginx').findings
    expect(finding).toMatchObject({ key: 'dropped', severity: 'critical' })
    expect(Number(finding?.evidence['dropped'])).toBeGreaterThan(20)
    expect((await full.tell('nginx')).step('nginx').outcome).toBe('ok')
  })

  test('as many connections as its limit are told', async () => {
    using _crowd = await crowd(nginx.port, 20)
    const told = await until('nginx has seen them', async () => {
      const now = await tellerOf(nginx.url, { warnActive: 15, critActive: 50 }).tell('nginx')
      return now.step('nginx').outcome === 'problem' && now
    })
    expect(told.summaries('nginx')[0]).toMatch(/^nginx holds 2\d connections \(limit 15\)$/)
  })

  test('another page than that of stub_status is unknown', async () => {
    const told = await tellerOf(`${nginx.url}/?`).tell('nginx')
    const page = await tellerOf(`${nginx.url}/?x=1`).tell('nginx')
    expect([told.step('nginx').outcome, page.step('nginx').outcome]).toEqual(['ok', 'unknown'])
    expect(page.reason('nginx')).toMatch(/^the page is not that of stub_status/)
  })
})

describeWith(['gunicorn'], 'the preset gunicorn', () => {
  test('a master that is stopped still serves, workers that are stopped are told as busy or hung', async () => {
    await using gunicorn = await startGunicorn()
    const page = teller(http, { url: gunicorn.url, preset: 'gunicorn', timeout: '1s' })
    process.kill(gunicorn.pid(), 'SIGSTOP')
    expect(outcomesOf(await page.tell()).filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])
    gunicorn.freeze()
    const told = await page.tell()
    expect(told.step('connect').findings).toMatchObject([
      {
        evidence: { kind: 'timeout-reply' },
        advice: { template: expect.stringContaining('give it more workers') },
      },
    ])
    gunicorn.thaw()
    expect((await page.tell('status')).step('status').outcome).toBe('ok')
  })

  test('a worker that is killed by --timeout is told as such', async () => {
    await using gunicorn = await startGunicorn({ timeout: 1 })
    const told = await teller(http, { url: `${gunicorn.url}slow`, preset: 'gunicorn', timeout: '7s' }).tell()
    expect(told.step('connect').findings).toMatchObject([
      { evidence: { kind: 'reset' }, advice: { template: expect.stringContaining('--timeout') } },
    ])
    expect(gunicorn.log()).toContain('WORKER TIMEOUT')
  })
})

/** Clients that begin a request and do not end it, one after the other; all of them leave when it is disposed. */
async function crowd(port: number, size: number): Promise<Disposable> {
  using clients = new DisposableStack()
  for (let index = 0; index < size; index++) {
    const socket = clients.adopt(connect(port, '127.0.0.1'), (client) => client.destroy())
    socket.on('error', () => {}) // the server may hang up at any time
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    await new Promise((resolve) => socket.write('GET / HTTP/1.1\r\n', resolve))
  }
  return clients.move()
}
