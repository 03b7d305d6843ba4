import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { EngineEvent } from '../../src/core/observer.ts'
import type { Plan } from '../../src/core/plan.ts'
import type { Store } from '../../src/core/store.ts'
import { defineStory } from '../../src/core/story.ts'
import { english } from '../../src/core/text.ts'
import { CannotListen } from '../../src/http/cannot-listen.ts'
import { createLiveness } from '../../src/http/liveness.ts'
import { createMetrics, type Metrics } from '../../src/http/metrics.ts'
import { routesOf } from '../../src/http/routes.ts'
import { type Post, serve } from '../../src/http/server.ts'
import { memoryStore } from '../../src/store/open.ts'
import { entryOf } from '../support/entry.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { noAlarmPolicy } from '../support/rounds.ts'
import { alarm, commitOf } from '../support/store/owed.ts'

const story = defineStory({ title: 'Redis', options: z.strictObject({}), steps: {} })
const entry = entryOf(story, { name: 'cache', kind: 'redis' })
const plan: Plan = {
  platform: 'shop',
  node: 'n1',
  language: english,
  entries: [entry],
  channels: [],
  alarms: noAlarmPolicy,
  store: { file: null, retention: 1 },
  http: { host: '127.0.0.1', port: 0 },
  limits: { concurrency: 1, cures: 1, blastRadius: 1 },
  secrets: [],
  cluster: null,
  consul: null,
  roles: [],
  hash: 'abc',
}

describe('the HTTP server', () => {
  const clock = fakeClock(Date.now())
  let store: Store
  let metrics: Metrics
  let liveness: ReturnType<typeof createLiveness>
  let isReady: boolean
  let server: Awaited<ReturnType<typeof serve>>
  beforeEach(async () => {
    store = memoryStore()
    metrics = await createMetrics(plan, { store, clock, version: '1.2.3', view: null })
    liveness = createLiveness(plan.entries, clock)
    isReady = true
    const ports = {
      store,
      language: english,
      liveness,
      isReady: () => isReady,
      metrics: () => metrics.render(),
      view: null,
    }
    const routes = routesOf(ports)
    const failed = (_: string, error: unknown) => {
      throw error
    }
    server = await serve({ host: '127.0.0.1', port: 0 }, () => routes, failed)
  })
  afterEach(async () => {
    await server[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  })

  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    }
  }
  const raise = () => store.commit(store.fence, commitOf([{ alarm: alarm(), to: ['ops'], due: 0 }]))
  const happen = (event: EngineEvent) => {
    liveness.observe(event)
    metrics.observe(event)
  }

  it('lives while rounds finish, whatever they find', async () => {
    await raise()
    expect(await get('/livez')).toMatchObject({ status: 200, body: 'ok\n' })
    happen({ type: 'round-began', entry: 'cache' })
    await clock.advance(3_600_000)
    expect(await get('/livez')).toMatchObject({ status: 503, body: 'rounds do not finish: cache\n' })
    happen({ type: 'round-failed', entry: 'cache', error: null })
    expect((await get('/livez')).status).toBe(200)
  })

  it('is ready until it stops', async () => {
    expect((await get('/readyz')).status).toBe(200)
    isReady = false
    expect((await get('/readyz')).status).toBe(503)
  })

  it('gives the verdict of the platform: pending, critical, in words and as JSON', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 503, body: 'pending\n' })
    await raise()
    expect(await get('/healthz')).toMatchObject({ status: 503, body: 'critical\n' })
    expect((await get('/healthz?verbose')).body).toBe(
      'critical\ncritical cache/memory: memory is full\ncritical cache\n',
    )
    const { body } = await get('/healthz', { headers: { accept: 'application/json' } })
    expect(JSON.parse(body)).toMatchObject({
      verdict: 'critical',
      problems: [{ entry: 'cache', step: 'memory' }],
    })
  })

  it('reads out stories, problems and alarms', async () => {
    await raise()
    const read = async (path: string) => JSON.parse((await get(path)).body) as unknown
    expect(await read('/api/v1/stories')).toMatchObject({
      stories: [{ name: 'cache', story: 'redis', verdict: 'critical' }],
    })
    expect(await read('/api/v1/problems')).toMatchObject({
      problems: [{ severity: 'critical', summary: 'memory is full' }],
    })
    expect(await read('/api/v1/alarms')).toMatchObject({
      alarms: [{ channel: 'ops', status: 'pending', kind: 'raised' }],
    })
    expect((await get('/api/v1/alarms?limit=0')).status).toBe(400)
  })

  it('answers what it does not serve', async () => {
    expect((await get('/nope')).status).toBe(404)
    expect((await get('/__proto__')).status).toBe(404)
    expect((await get('/livez', { method: 'POST' })).status).toBe(405)
    expect(await get('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  it('counts what happens and reads the store at the scrape', async () => {
    await raise()
    const report = { entry: 'cache', at: 0, took: 5, steps: [] }
    happen({ type: 'round-began', entry: 'cache' })
    happen({ type: 'step-ended', entry: 'cache', step: 'memory', outcome: 'problem', took: 20 })
    happen({ type: 'round-ended', entry: 'cache', report, transitions: [] })
    happen({ type: 'cure-ended', entry: 'cache', step: 'memory', result: 'healed' })
    happen({ type: 'alarm-settled', channel: 'ops', result: 'sent', waited: 1500, error: null })
    const { type, body } = await get('/metrics')
    expect(type).toContain('text/plain')
    for (const line of [
      `healthz_build_info{version="1.2.3",node_version="${process.version}"} 1`,
      'healthz_config_hash_info{hash="abc"} 1',
      'healthz_step_outcome{story="cache",step="memory",outcome="problem"} 1',
      'healthz_step_outcome{story="cache",step="memory",outcome="ok"} 0',
      'healthz_problems{story="cache",severity="critical"} 1',
      'healthz_problems{story="cache",severity="warning"} 0',
      'healthz_resolves_total{story="cache",step="memory",result="healed"} 1',
      'healthz_alarms_total{channel="ops",result="sent"} 1',
      'healthz_alarm_delivery_seconds_sum{channel="ops"} 1.5',
      'healthz_round_overruns_total{story="cache"} 0',
      'healthz_store_writable 1',
    ]) {
      expect(body).toContain(line)
    }
    expect(body).toMatch(/^healthz_alarm_oldest_pending_seconds \d/m)
  })

  it('takes posts for peers only where it is given somebody who takes them', async () => {
    expect((await get('/-/peer/probe', { method: 'POST', body: '{}' })).status).toBe(404)
  })

  it('says clearly that a port is in use', async () => {
    await expect(
      serve(
        { host: '127.0.0.1', port: server.port },
        () => ({}),
        () => {},
      ),
    ).rejects.toThrowError(new CannotListen(`cannot listen on 127.0.0.1:${server.port}: the port is in use`))
  })
})

describe('the HTTP server with peers', () => {
  const posted: Parameters<Post>[0][] = []
  const failures: string[] = []
  let server: Awaited<ReturnType<typeof serve>>
  beforeEach(async () => {
    posted.length = 0
    failures.length = 0
    const post: Post = async (request) => {
      posted.push(request)
      if (request.body === 'burst') throw new Error('burst')
      return { status: 202, headers: { 'content-type': 'text/x-peer', 'x-more': '1' }, body: request.body }
    }
    const routes = { '/livez': () => ({ status: 200, type: 'text/plain', body: 'ok\n' }) }
    const failed = (path: string, error: unknown) => void failures.push(`${path} ${error}`)
    server = await serve({ host: '127.0.0.1', port: 0 }, () => routes, failed, post)
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const send = async (path: string, init: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  it('hands over what is posted, whole, and gives back the answer as it is', async () => {
    const body = 'ü'.repeat(300_000)
    const headers = { 'x-healthz-nonce': 'ab' }
    const answer = await send('/-/peer/alarms', { method: 'POST', headers, body })
    expect(answer).toMatchObject({ status: 202, body })
    expect(answer.headers.get('content-type')).toBe('text/x-peer')
    expect(answer.headers.get('x-more')).toBe('1')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(posted).toMatchObject([{ method: 'POST', path: '/-/peer/alarms', body, remote: '127.0.0.1' }])
    expect(posted[0]?.headers['x-healthz-nonce']).toBe('ab')
  })

  it('refuses a body of more than a mebibyte, and other methods', async () => {
    const large = await send('/-/peer/alarms', { method: 'POST', body: 'x'.repeat(1_048_577) })
    expect(large).toMatchObject({ status: 413, body: 'too large\n' })
    expect(await send('/-/peer/probe', { method: 'GET' })).toMatchObject({ status: 405, body: 'only POST\n' })
    expect(posted).toEqual([])
    expect((await send('/livez', { method: 'POST', body: 'x' })).status).toBe(405)
    expect((await send('/livez', { method: 'GET' })).status).toBe(200)
  })

  it('breaks off a body without end', async () => {
    let chunks = 0
    const endless = new ReadableStream({
      pull(controller) {
        chunks++
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const sent = send('/-/peer/alarms', { method: 'POST', body: endless, duplex: 'half' } as RequestInit)
    await sent.then(
      ({ status }) => expect(status).toBe(413),
      (error) => expect(error).toBeInstanceOf(TypeError),
    )
    expect(chunks).toBeLessThan(1000)
    expect(posted).toEqual([])
  })

  it('answers 500 and says so when the taking fails', async () => {
    expect((await send('/-/peer/probe', { method: 'POST', body: 'burst' })).status).toBe(500)
    expect(failures).toEqual(['/-/peer/probe Error: burst'])
  })
})
