import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import http from '../../../stories/http/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type HttpReceiver, startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { startListening } from '../../support/servers/listening.ts'
import { type Nginx, startNginx } from '../../support/servers/nginx.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describeWith(['nginx'], 'a web page', () => {
  let nginx: Nginx
  let application: HttpReceiver

  beforeAll(async () => {
    application = await startHttpReceiver()
    nginx = await startNginx({
      server: `
        location = /health { default_type application/json; return 200 '${JSON.stringify(health)}'; }
        location = /lost { return 404; }
        location = /busy { return 503; }
        location = /dead { proxy_pass http://127.0.0.1:${await freePort()}; }
        location = /slow { proxy_pass ${application.url}; proxy_read_timeout 1s; }
        location = /app { proxy_pass ${application.url}; }
        location = /moved { return 301 /health; }
        location = /login { return 302 /home?from=login; }
        location = /home { return 302 /login; }
        location ~ ^/(\\d)$ { return 302 /$1$1; }
        location ~ ^/(\\d\\d)$ { return 302 /$1$1; }
        location ~ ^/(\\d\\d\\d\\d)$ { return 302 /$1$1; }
        location = /away { return 302 http://localhost:$server_port/health; }
        location = /nowhere { return 302 mailto:ops@example.com; }
        location = /big { return 200 '${'x'.repeat(2000)}'; }
      `,
    })
  })

  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]()
    await application?.[Symbol.asyncDispose]()
  })

  const tellerOf = (
    path: string,
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(http, { url: `${nginx.url}${path}`, ...withOptions }, steps)

  test('a page that answers is fine, and is asked for once', async () => {
    const before = application.requests.length
    application.answer({ status: 200, body: { database: 'ok' } })
    const options = { body: { json: { path: 'database', is: 'ok' } }, json: [{ path: 'database.length' }] }
    const told = await tellerOf('/app', options).tell()
    expect(outcomesOf(told)).toEqual([
      'connect ok',
      'status ok',
      'latency ok',
      'body ok',
      'json ok',
      'redirect ok',
    ])
    expect(application.requests.slice(before)).toHaveLength(1)
    expect(application.requests.at(-1)?.headers['user-agent']).toBe('healthz')
  })

  test.each([
    ['/lost', 404, 'check the path'],
    ['/busy', 503, 'it is overloaded or in maintenance'],
    ['/dead', 502, 'the proxy in front cannot reach the application'],
    ['/slow', 504, 'the application behind the proxy is too slow'],
  ])('%s is told with its status %i and what it means', async (path, status, advice) => {
    application.answer('hang')
    const told = await tellerOf(path).tell('status')
    expect(told.summaries('status')).toEqual([
      `${nginx.url}${path} answers with HTTP status ${status} (expected 200-399)`,
    ])
    expect(told.step('status').findings).toMatchObject([
      { severity: 'critical', advice: { template: expect.stringContaining(advice) } },
    ])
  })

  test('a status that is expected is fine', async () => {
    const told = await tellerOf('/lost', { expect: [200, '400-404'] }).tell('status')
    expect(told.step('status').outcome).toBe('ok')
    expect((await tellerOf('/health', { method: 'HEAD' }).tell('status')).step('status').outcome).toBe('ok')
  })

  test('an answer that breaks off is told with how far it came', async () => {
    await using broken = await startListening(() => ({
      server: createServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'))
      }),
    }))
    const told = await teller(http, {
      url: `http://127.0.0.1:${broken.port}/`,
      body: { contains: 'abcdef' },
    }).tell()
    expect(told.summaries('status')).toEqual([
      `the answer of http://127.0.0.1:${broken.port}/ breaks off after 3 B`,
    ])
    expect(told.step('body').outcome).toBe('problem')
  })

  test('a slow page is told with where the time went', async () => {
    await using proxy = await startTcpFaultProxy(nginx.port)
    await proxy.become('delay', { delay: 60 })
    const url = `http://127.0.0.1:${proxy.port}/health`
    const slow = await teller(http, { url }, { latency: { slow: '50ms', tooSlow: '10s' } }).tell('latency')
    expect(slow.summaries('latency')).toEqual([
      expect.stringMatching(
        / takes [1-9]\d\d ms \(limit 50 ms\): \d+ ms to connect, [1-9]\d\d ms until it begins/,
      ),
    ])
    expect(slow.step('latency').findings).toMatchObject([
      {
        severity: 'warning',
        advice: { template: expect.stringContaining('the application works long on it') },
      },
    ])
    const limits = { latency: { slow: '20ms', tooSlow: '50ms' } }
    const tooSlow = await teller(http, { url }, limits).tell('latency')
    expect(tooSlow.step('latency').findings).toMatchObject([{ severity: 'critical' }])
  })

  test('a page that was slow just once is fine', async () => {
    await using proxy = await startTcpFaultProxy(application.port)
    application.answer({ status: 200 })
    await proxy.become('delay', { delay: 600 })
    const page = teller(http, { url: `http://127.0.0.1:${proxy.port}/` }, { latency: { slow: '1s' } })
    const before = application.requests.length
    const telling = page.tell('latency')
    await until('the first request was taken', () => application.requests.length > before)
    await proxy.become('pass')
    expect((await telling).step('latency').outcome).toBe('ok')
    expect(application.requests.slice(before)).toHaveLength(3)
  })

  test('a page that says something else than it should is told with how it begins', async () => {
    const body = { contains: 'welcome', matches: '^<html', json: { path: 'database', is: 'ok' } }
    const told = await tellerOf('/health', { body }).tell('body')
    expect(told.summaries('body')).toEqual([
      expect.stringMatching(
        /\/health does not say what it should: it lacks "welcome" and begins with "\{"database":"failing",.{0,40}", it does not match \^<html and begins .+, database is "failing" and should be "ok"$/,
      ),
    ])
    expect(told.step('body').findings).toMatchObject([{ severity: 'critical' }])
    const well = { contains: 'failing', matches: '"size":\\d', json: { path: 'items[1].size', is: 7 } }
    expect((await tellerOf('/health', { body: well }).tell('body')).step('body').outcome).toBe('ok')
    expect((await tellerOf('/health').tell()).steps).not.toHaveProperty('body')
  })

  test('figures in the answer are judged, and one that is missing is unknown', async () => {
    const json = [
      { path: 'items.length', name: 'subscriptions left over', warn: '> 0', crit: '> 5', advice: 'end them' },
      { path: 'items[1].size', warn: '> 100' },
      { path: 'version', minimum: '3.10' },
      { path: 'database', warn: '> 1' },
      { path: 'items[9].size', warn: '> 1' },
    ]
    const told = await tellerOf('/health', { json }).tell('json')
    expect(told.summaries('json')).toEqual([
      'subscriptions left over is 2 (limit > 0)',
      'version is 3.9.1 (at least 3.10 is needed)',
    ])
    expect(told.step('json').findings.map(({ severity, advice }) => [severity, advice])).toEqual([
      ['warning', 'end them'],
      ['warning', { template: 'upgrade it', values: [] }],
    ])
    expect(told.reason('json')).toBe('database is no number, the answer has no items[9].size')
    const page = await tellerOf('/big', { json: [{ path: 'a', warn: '> 1' }] }).tell('json')
    expect(page.reason('json')).toBe('the answer is no JSON')
  })

  test('redirects are followed to their end', async () => {
    const told = await tellerOf('/moved', { body: { contains: 'database' } }).tell()
    expect(outcomesOf(told).filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])
    const kept = await tellerOf('/moved', { redirects: 0, expect: [301] }).tell('status', 'redirect')
    expect(outcomesOf(kept)).toEqual(['connect ok', 'status ok', 'redirect ok'].slice(1))
  })

  test.each([
    ['/login', 'critical', / redirects in a circle: .+\/login, .+\/home, .+\/login$/],
    ['/1', 'warning', /^after 1 redirect there is still no page: .+\/1, .+\/11, .+\/1111$/],
    ['/away', 'warning', /\/away redirects to another host: http:\/\/localhost:\d+\/health$/],
    ['/nowhere', 'warning', /\/nowhere redirects to what is no address of a page$/],
  ])('%s, which leads nowhere good, is %s', async (path, severity, words) => {
    const redirects = path === '/1' ? 1 : 3
    const told = await tellerOf(path, { redirects }).tell('redirect')
    expect(told.summaries('redirect')).toEqual([expect.stringMatching(words)])
    expect(told.step('redirect').findings).toMatchObject([{ severity }])
  })

  test('another host that is allowed is fine', async () => {
    const told = await tellerOf('/away', {}, { redirect: { hosts: ['localhost'] } }).tell()
    expect(told.step('redirect').outcome).toBe('ok')
  })

  test('credentials and headers go to their own host only, and are never shown', async () => {
    await using other = await startHttpReceiver()
    const there = `http://localhost:${other.port}/?token=${marker}`
    application.answer({ status: 302, headers: { location: there } })
    const options = {
      url: application.url.replace('//', `//user:${marker}@`),
      headers: { 'x-token': `${marker}2` },
      redirects: 1,
    }
    const told = await teller(http, options).tell()
    expect(application.requests.at(-1)?.headers).toMatchObject({
      authorization: `Basic ${btoa(`user:${marker}`)}`,
      'x-token': `${marker}2`,
    })
    expect(other.requests).toHaveLength(1)
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization')
    expect(other.requests[0]?.headers).not.toHaveProperty('x-token')
    expect(told.step('redirect').outcome).toBe('problem')
    const parsed = http.options.parse(options)
    for (const printed of [told, parsed]) {
      expect(JSON.stringify(printed)).not.toContain(marker)
      expect(inspect(printed, { depth: 20 })).not.toContain(marker)
    }
  })

  test('a connection that breaks once is tried again, one that keeps breaking is a problem', async () => {
    await using flaky = await startHttpReceiver()
    flaky.answerOnce('reset')
    expect((await teller(http, { url: flaky.url }).tell()).step('status').outcome).toBe('ok')
    flaky.answer('reset')
    const told = await teller(http, { url: flaky.url }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'reset' } }])
    expect(told.step('status').outcome).toBe('skipped')
  })

  test('a server that is dead, and a port that speaks something else, are told as such', async () => {
    const start = performance.now()
    const dead = await teller(http, { url: `http://127.0.0.1:${await freePort()}/` }).tell()
    expect(performance.now() - start).toBeLessThan(2500)
    expect(dead.step('connect').findings).toMatchObject([{ evidence: { kind: 'refused' } }])
    await using other = await startListening(() => ({
      server: createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
    }))
    const odd = await teller(http, { url: `http://127.0.0.1:${other.port}/` }).tell()
    expect(odd.step('connect').findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
    const tls = await teller(http, { url: nginx.url.replace('http:', 'https:') }).tell()
    expect(tls.step('connect').findings).toMatchObject([{ evidence: { kind: 'tls-plain' } }])
  })

  test('a server that hangs is told as hanging', async () => {
    nginx.freeze()
    try {
      const start = performance.now()
      const told = await tellerOf('/health').tell()
      expect(performance.now() - start).toBeLessThan(5000)
      const problems = Object.values(told.steps).flatMap(({ findings }) => findings)
      expect(problems).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
    } finally {
      nginx.thaw()
    }
  })

  test.each([
    [{ method: 'HEAD', body: { contains: 'x' } }],
    [{ body: { matches: '(' } }],
    [{ expect: ['2xx'] }],
    [{ json: [{ path: 'a..b' }] }],
    [{ json: [{ path: 'a', warn: 'much' }] }],
    [{ headers: { 'no name': 'x' } }],
  ])('%o is refused in the configuration', (options) => {
    expect(http.options.safeParse({ url: 'http://a.example', ...options }).success).toBe(false)
  })
})

const health = { database: 'failing', version: '3.9.1', items: [{ size: 1 }, { size: 7 }] }

function outcomesOf(told: Told): readonly string[] {
  return Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
}
