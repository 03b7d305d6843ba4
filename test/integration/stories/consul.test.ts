import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import consul from '../../../stories/consul/index.ts'
import { type Consul, startConsul } from '../../support/servers/consul.ts'
import { startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describe('a Consul cluster', () => {
  let agent: Consul

  beforeAll(async () => {
    agent = await startConsul()
    agent.want(marker)
  })

  beforeEach(() => agent.reset())

  afterAll(() => agent?.[Symbol.asyncDispose]())

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(consul, { url: agent.url, token: marker, ...withOptions }, steps)

  /** Tells twice, with what is remembered of the first time shifted into the past. */
  const tellLater = async (of: ReturnType<typeof tellerOf>, step: string, ms: number) => {
    expect((await of.tell(step)).step(step).outcome).toBe('ok')
    const sample = of.samples[step]
    const value = Object.fromEntries(
      Object.entries((sample?.value ?? {}) as Record<string, number>).map(([id, at]) => [id, at - ms]),
    )
    of.samples = { ...of.samples, [step]: { at: Date.now() - ms, value } }
    return of.tell(step)
  }

  const instance = (ID: string, status: string, port: number, address = '127.0.0.1') => ({
    Node: { Node: 'n1', Address: address },
    Service: { ID, Service: 'web', Address: '', Port: port },
    Checks: [
      { CheckID: 'serfHealth', Status: 'passing' },
      { CheckID: `service:${ID}`, Status: status },
    ],
  })

  test('a healthy cluster is fine in every step', async () => {
    agent.answer('/v1/health/service/web', { status: 200, body: [instance('web-1', 'passing', 80)] })
    await fetch(`${agent.url}/v1/agent/service/register`, {
      method: 'PUT',
      headers: { 'x-consul-token': marker },
      body: JSON.stringify({ ID: 'web-1', Name: 'web', Port: 80 }),
    })
    const told = await tellerOf({
      expectServers: 3,
      services: ['web'],
      registrations: [{ ID: 'web-1', Name: 'web', Port: 80 }],
    }).tell()
    expect(Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'connect ok',
      'leader ok',
      'autopilot ok',
      'service ok',
      'checks ok',
      'registration ok',
      'members ok',
    ])
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test.each([
    ['an empty leader', { status: 200, body: '""' }],
    ['no servers known', { status: 500, body: 'No known Consul servers' }],
  ])('%s is critical', async (_case, answer) => {
    agent.answer('/v1/status/leader', answer)
    const told = await tellerOf().tell('leader')
    expect(told.summaries('leader')).toEqual([
      `the cluster of 127.0.0.1:${agent.port} has no leader: nothing can be written, and nobody registers`,
    ])
    expect(told.step('leader').findings[0]).toMatchObject({ severity: 'critical' })
  })

  test('a server that is missing is told with those that are there', async () => {
    agent.answer('/v1/status/peers', { status: 200, body: ['10.1.10.12:8300', '10.1.10.11:8300'] })
    const told = await tellerOf({ expectServers: 3 }).tell('leader')
    expect(told.summaries('leader')).toEqual([
      'only 2 of 3 servers are in the cluster: 10.1.10.12:8300, 10.1.10.11:8300',
    ])
    expect(told.step('leader').findings[0]).toMatchObject({ severity: 'warning' })
  })

  test('an unhealthy server is read from the answer with status 429', async () => {
    const servers = ['s1', 's2', 's3'].map((Name) => ({
      Name,
      Healthy: Name !== 's3',
      SerfStatus: Name === 's3' ? 'failed' : 'alive',
      Voter: true,
    }))
    agent.answer('/v1/operator/autopilot/health', {
      status: 429,
      body: { Healthy: false, FailureTolerance: 0, Servers: servers },
    })
    const told = await tellerOf().tell('autopilot')
    expect(told.summaries('autopilot')).toEqual([
      'servers are not healthy: s3 (failed)',
      'of 3 voting servers no further one may fail: then nothing can be written',
    ])
  })

  test('a single server was never meant to outlive a failure', async () => {
    agent.answer('/v1/operator/autopilot/health', {
      status: 200,
      body: { Healthy: true, FailureTolerance: 0, Servers: [{ Name: 's1', Healthy: true, Voter: true }] },
    })
    expect((await tellerOf().tell('autopilot')).step('autopilot').outcome).toBe('ok')
  })

  test('a service without passing instances is told, with whether its port answers', async () => {
    await using open = await startListening(() => ({ server: createServer((socket) => socket.destroy()) }))
    const refused = await freePort()
    const web = (...instances: readonly object[]) =>
      agent.answer('/v1/health/service/web', { status: 200, body: instances })
    const services = [{ name: 'web', min: 2 }]

    web(instance('web-1', 'passing', 80), instance('web-2', 'critical', refused))
    const dead = await tellerOf({ services }).tell('service')
    expect(dead.summaries('service')).toEqual([
      '1 of 2 instances of the service web pass (at least 2 needed)',
    ])
    expect(JSON.stringify(dead.step('service').findings[0]?.advice)).toContain('nothing listens on')
    expect(dead.cures.size).toBe(0)

    web(instance('web-1', 'passing', 80), instance('web-2', 'warning', open.port))
    const check = await tellerOf({ services }).tell('service')
    expect(check.step('service').findings[0]).toMatchObject({
      severity: 'critical',
      advice: { template: expect.stringContaining('so it is the check that fails') },
    })
    web()
    expect((await tellerOf({ services }).tell('service')).summaries('service')).toEqual([
      '0 of 0 instances of the service web pass (at least 2 needed)',
    ])
  })

  test('a service is started on consent, unless it passes again', async () => {
    agent.answer('/v1/health/service/web', { status: 200, body: [] })
    const told = await tellerOf({ services: [{ name: 'web', start: ['no-such-program'] }] }).tell('service')
    expect(told.step('service').findings[0]?.cure).toMatchObject({ consent: 'ask' })
    agent.answer('/v1/health/service/web', { status: 200, body: [instance('web-1', 'passing', 80)] })
    await told.cure('service/web')
    agent.answer('/v1/health/service/web', { status: 200, body: [] })
    await expect(told.cure('service/web')).rejects.toMatchObject({ name: 'DidNotHelp' })
  })

  const critical = (CheckID: string, more: object = {}) => ({
    Node: 'n1',
    CheckID,
    Name: `Service check ${CheckID}`,
    Status: 'critical',
    Output: `Get "http://u:${marker}@10.0.0.1/health": dial tcp: connection refused\n${'x'.repeat(500)}`,
    ServiceName: 'web',
    ...more,
  })

  test('checks that stay critical are told by service, and one that came back is forgotten', async () => {
    const state = '/v1/health/state/critical'
    agent.answer(state, {
      status: 200,
      body: [
        critical('service:web-1'),
        critical('service:web-2'),
        critical('_service_maintenance:web-3'),
        critical('_node_maintenance', { ServiceName: '' }),
        critical('disk', { ServiceName: '', Name: 'disk full' }),
      ],
    })
    const watched = tellerOf()
    const told = await tellLater(watched, 'checks', 301_000)
    expect(told.summaries('checks')).toEqual([
      'web has 2 checks that stay critical, for 5 min 1 s (limit 5 min): Service check service:web-1 on n1, Service check service:web-2 on n1',
      'node n1 has 1 check that stays critical, for 5 min 1 s (limit 5 min): disk full on n1',
    ])
    expect(JSON.stringify(told.steps)).not.toContain(marker)
    expect(JSON.stringify(told.steps)).not.toContain('x'.repeat(200))
    agent.answer(state, { status: 200, body: [] })
    expect((await watched.tell('checks')).step('checks').outcome).toBe('ok')
    agent.answer(state, { status: 200, body: [critical('service:web-1')] })
    expect((await watched.tell('checks')).step('checks').outcome).toBe('ok')
  })

  test('a member that failed is told after a while, one that left is not', async () => {
    agent.answer('/v1/agent/members', {
      status: 200,
      body: [
        { Name: 's1', Addr: '10.1.10.10', Status: 1 },
        { Name: 'old', Addr: '10.1.10.20', Status: 3 },
        { Name: 'dead', Addr: '10.1.10.21', Status: 4 },
      ],
    })
    const told = await tellLater(tellerOf(), 'members', 601_000)
    expect(told.summaries('members')).toEqual([
      'the member dead (10.1.10.21) has been failed for 10 min 1 s (limit 10 min)',
    ])
  })

  test('a lost registration is told, and made again on consent', async () => {
    const body = {
      ID: 'web-1',
      Name: 'web',
      Port: 80,
      Check: { HTTP: 'http://127.0.0.1/health', Interval: '10s' },
    }
    const mine = tellerOf({ registrations: [body] })
    const told = await mine.tell('registration')
    expect(told.summaries('registration')).toEqual([
      `web-1 (service web) is not registered with 127.0.0.1:${agent.port}`,
    ])
    expect(told.step('registration').findings[0]?.cure).toMatchObject({ consent: 'ask' })
    await told.cure('registration/web-1')
    expect(JSON.parse(agent.requests.at(-1)?.body ?? '')).toEqual(body)
    expect((await mine.tell('registration')).step('registration').outcome).toBe('ok')
  })

  test('two registrations of one port are told', async () => {
    agent.answer('/v1/agent/services', {
      status: 200,
      body: Object.fromEntries(
        ['web-1', 'web-0'].map((ID) => [ID, { ID, Service: 'web', Address: '', Port: 80 }]),
      ),
    })
    const told = await tellerOf({ registrations: [{ ID: 'web-1', Name: 'web', Port: 80 }] }).tell(
      'registration',
    )
    expect(told.summaries('registration')).toEqual([
      'web-1 and web-0 are registered for one and the same port 80',
    ])
    expect(told.cures.size).toBe(0)
  })

  test('a right that the token lacks makes a step unknown, with its name', async () => {
    const filtered = { status: 200, body: [], isFiltered: true }
    agent.answer('/v1/operator/autopilot/health', { status: 403, body: 'Permission denied' })
    agent.answer('/v1/health/state/critical', filtered)
    agent.answer('/v1/agent/members', { status: 200, body: [] })
    agent.answer('/v1/health/service/web', filtered)
    agent.answer('/v1/agent/services', { status: 200, body: {}, isFiltered: true })
    const options = { services: ['web'], registrations: [{ ID: 'a', Name: 'a' }] }
    const told = await tellerOf(options).tell()
    expect(
      Object.values(told.steps)
        .filter(({ outcome }) => outcome === 'unknown')
        .map(({ step }) => `${step}: ${told.reason(step)}`),
    ).toEqual([
      'autopilot: the token lacks the right operator:read',
      'service: web: the token lacks the right service:read, node:read',
      'checks: the token lacks the right node:read, service:read',
      'registration: the token lacks the right service:read',
      'members: the token lacks the right node:read',
    ])
    const without = await tellerOf({ token: undefined }).tell('autopilot')
    expect(without.step('autopilot').outcome).toBe('unknown')
  })

  test('answers of another form, and of another version, are unknown and never an error', async () => {
    for (const [path, step] of [
      ['/v1/operator/autopilot/health', 'autopilot'],
      ['/v1/health/state/critical', 'checks'],
      ['/v1/agent/members', 'members'],
      ['/v1/status/peers', 'leader'],
    ] as const) {
      for (const body of ['not JSON', { unexpected: true }, null, [1, null]]) {
        agent.answer(path, { status: 200, body })
        expect((await tellerOf().tell(step)).reason(step)).toBe('Consul gave an answer of another form')
      }
    }
    agent.answer('/v1/operator/autopilot/health', { status: 404, body: '' })
    expect((await tellerOf().tell('autopilot')).reason('autopilot')).toBe(
      'this version of Consul does not tell',
    )
  })

  test('an agent that is down, hangs or is none is one problem, with its reason', async () => {
    const connect = async (url: string) => (await teller(consul, { url }).tell()).summaries('connect')[0]
    const refused = await freePort()
    expect(await connect(`http://127.0.0.1:${refused}`)).toBe(`nothing listens on 127.0.0.1:${refused}`)
    await using proxy = await startTcpFaultProxy(agent.port)
    await proxy.become('black-hole')
    expect(await connect(`http://127.0.0.1:${proxy.port}`)).toContain('accepts TCP but does not answer')
    agent.answer('/v1/status/leader', { status: 200, body: '<html>' })
    expect(await connect(agent.url)).toContain("HTTP status 200 instead of Consul's API")
    await using foreign = await startListening(() => ({
      server: createServer((socket) => socket.end('SSH-2.0\r\n')),
    }))
    expect(await connect(`http://127.0.0.1:${foreign.port}`)).toContain('speaks another protocol')
    agent.answer('/v1/status/leader', { status: 403, body: 'Permission denied' })
    expect(await connect(agent.url)).toContain('wants a password and none is configured')
  })
})
