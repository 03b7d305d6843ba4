import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import consul from '../../../stories/consul/index.ts'
import { rightsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import {
  type ConsulAgent,
  type ConsulCluster,
  startConsulCluster,
} from '../../support/servers/consul-agent.ts'
import { otherDebians } from '../../support/servers/debian-tree.ts'
import { freezeWhole } from '../../support/servers/frozen.ts'
import { startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'
const rights = rightsOf(consul.guide, '', 'The rules')
const minute = 60_000

describeWith([otherDebians], 'consul: a cluster of three servers', () => {
  let cluster: ConsulCluster
  let asked: ConsulAgent
  let others: readonly [ConsulAgent, ConsulAgent]
  let token: string
  beforeAll(async () => {
    cluster = await startConsulCluster()
    const [first, second, third] = cluster.agents
    if (!first || !second || !third) throw new Error('three servers were wanted')
    asked = first
    others = [second, third]
    token = await asked.tokenWith(rights.join('\n'))
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(consul, { url: asked.url, token, ...withOptions }, steps)

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

  const register = async (body: { readonly ID: string; readonly [field: string]: unknown }) => {
    expect(await asked.ask('PUT', '/v1/agent/service/register', body)).toMatchObject({ status: 200 })
    const gone = () => asked.ask('PUT', `/v1/agent/service/deregister/${body.ID}`)
    return { [Symbol.asyncDispose]: async () => void (await gone()) }
  }

  /** What the servers know of the checks of a service. */
  const checksAre = (service: string, ...wanted: readonly string[]) =>
    until(`the checks of ${service} are ${wanted}`, async () => {
      const { body } = await asked.ask('GET', `/v1/health/checks/${service}`)
      const found = (JSON.parse(body) as { Status: string }[]).map(({ Status }) => Status)
      return found.toSorted().join() === wanted.toSorted().join()
    })

  const isHealthy = async () =>
    JSON.parse((await asked.ask('GET', '/v1/operator/autopilot/health')).body).FailureTolerance === 1

  test('it is fine in every step, with the rights of the guide and no more', async () => {
    const web = { ID: 'web-1', Name: 'web', Port: 80 }
    await using _ = await register({ ...web, Check: { TTL: '10m', Status: 'passing' } })
    await checksAre('web', 'passing')
    const told = await tellerOf({ expectServers: 3, services: ['web'], registrations: [web] }).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      leader: 'ok',
      autopilot: 'ok',
      service: 'ok',
      checks: 'ok',
      registration: 'ok',
      members: 'ok',
    })
    expect(told.step('leader').notes).toMatchObject([{ values: [expect.any(String), expect.anything()] }])
    expect(JSON.stringify(told.steps)).not.toContain(token)
  })

  test.each([
    ['operator', { autopilot: 'the token lacks the right operator:read' }],
    [
      'node_prefix',
      {
        service: 'web: the token lacks the right service:read, node:read',
        checks: 'the token lacks the right node:read, service:read',
        members: 'the token lacks the right node:read',
      },
    ],
    [
      'service_prefix',
      {
        service: 'web: the token lacks the right service:read, node:read',
        checks: 'the token lacks the right node:read, service:read',
        registration: 'web-1: the token lacks the right service:read',
      },
    ],
  ])(
    'without the right of %s what needs it is unknown, and nothing seems fine or lost',
    async (left, wanted) => {
      await using _ = await register({ ID: 'web-1', Name: 'web', Check: { TTL: '10m', Status: 'passing' } })
      await checksAre('web', 'passing')
      const poor = await asked.tokenWith(rights.filter((rule) => !rule.startsWith(`${left} `)).join('\n'))
      const told = await tellerOf({
        token: poor,
        services: ['web'],
        registrations: [{ ID: 'web-1', Name: 'web' }],
      }).tell()
      const steps = Object.values(told.steps)
      const unknown = steps.filter(({ outcome }) => outcome === 'unknown')
      expect(Object.fromEntries(unknown.map(({ step }) => [step, told.reason(step)]))).toEqual(wanted)
      expect(steps.filter(({ outcome }) => outcome === 'problem')).toEqual([])
    },
  )

  test('without a token nothing is taken for empty, and a token that nobody knows is one problem', async () => {
    const none = await tellerOf({ token: undefined, services: ['web'] }).tell()
    expect(none.outcomes()).toEqual({
      connect: 'ok',
      leader: 'ok',
      autopilot: 'unknown',
      service: 'unknown',
      checks: 'unknown',
      members: 'unknown',
    })
    const wrong = await tellerOf({ token: crypto.randomUUID() }).tell()
    expect(wrong.step('connect')).toMatchObject({
      outcome: 'problem',
      findings: [{ severity: 'critical', evidence: { kind: 'auth-failed' } }],
    })
    expect(wrong.outcomes()).toMatchObject({ autopilot: 'skipped', members: 'skipped' })
  })

  test('a service that nobody passes is told, with whether its port answers', async () => {
    await using open = await startListening(() => ({ server: createServer((socket) => socket.destroy()) }))
    const refused = await freePort()
    const services = [{ name: 'api', min: 2 }]
    const api = (ID: string, Port: number, Status: string) =>
      register({ ID, Name: 'api', Address: '127.0.0.1', Port, Check: { TTL: '10m', Status } })

    const gone = await tellerOf({ services }).tell('service')
    expect(gone.summaries('service')).toEqual([
      '0 of 0 instances of the service api pass (at least 2 needed)',
    ])
    await using _one = await api('api-1', open.port, 'passing')
    await using _two = await api('api-2', refused, 'critical')
    await checksAre('api', 'passing', 'critical')
    const dead = await tellerOf({ services }).tell('service')
    expect(dead.summaries('service')).toEqual([
      '1 of 2 instances of the service api pass (at least 2 needed)',
    ])
    expect(dead.step('service').findings[0]).toMatchObject({
      severity: 'critical',
      evidence: { service: 'api', passing: 1, registered: 2, needed: 2 },
    })
    expect(JSON.stringify(dead.step('service').findings[0]?.advice)).toContain('nothing listens on')
    expect(dead.cures.size).toBe(0)

    await using _again = await api('api-2', open.port, 'critical')
    await asked.ask('PUT', '/v1/agent/check/warn/service:api-2')
    await checksAre('api', 'passing', 'warning')
    const check = await tellerOf({ services }).tell('service')
    expect(check.step('service').findings[0]?.advice).toMatchObject({
      template: expect.stringContaining('so it is the check that fails'),
    })
  })

  test('a service is started on consent, unless it passes again', async () => {
    const services = [{ name: 'api', start: ['no-such-program'] }]
    const told = await tellerOf({ services }).tell('service')
    expect(told.step('service').findings[0]?.cure).toMatchObject({ consent: 'ask' })
    await expect(told.cure('service/api')).rejects.toMatchObject({ name: 'DidNotHelp' })
    const again = await tellerOf({ services }).tell('service')
    await using _ = await register({ ID: 'api-1', Name: 'api', Check: { TTL: '10m', Status: 'passing' } })
    await checksAre('api', 'passing')
    await again.cure('service/api')
  })

  test('checks that stay critical are told by service, but for those that a person keeps out', async () => {
    await using _one = await register({ ID: 'web-1', Name: 'web', Check: { TTL: '10m', Status: 'passing' } })
    await using _two = await register({ ID: 'web-2', Name: 'web', Check: { TTL: '10m', Status: 'passing' } })
    await asked.ask('PUT', '/v1/agent/check/update/service:web-1', {
      Status: 'critical',
      Output: `Get "http://u:${marker}@10.0.0.1/health": connection refused\n${'x'.repeat(500)}`,
    })
    await asked.ask('PUT', '/v1/agent/service/maintenance/web-2?enable=true')
    await asked.ask('PUT', '/v1/agent/check/register', { ID: 'disk', Name: 'disk full', TTL: '10m' })
    await checksAre('web', 'critical', 'passing', 'critical')
    const watched = tellerOf()
    const told = await tellLater(watched, 'checks', 5 * minute + 1000)
    expect(told.summaries('checks').toSorted()).toEqual([
      expect.stringMatching(/^node s1 has 1 check that stays critical, for 5 min .*: disk full on s1$/),
      expect.stringMatching(/^web has 1 check that stays critical, .*: Service 'web' check on s1$/),
    ])
    expect(JSON.stringify(told.steps)).toContain('connection refused')
    expect(JSON.stringify(told.steps)).not.toContain(marker)
    expect(JSON.stringify(told.steps)).not.toContain('x'.repeat(200))
    await asked.ask('PUT', '/v1/agent/check/deregister/disk')
    await asked.ask('PUT', '/v1/agent/check/pass/service:web-1')
    await until('all is well', async () => (await watched.tell('checks')).step('checks').outcome === 'ok')
    await asked.ask('PUT', '/v1/agent/check/fail/service:web-1')
    await checksAre('web', 'critical', 'passing', 'critical')
    expect((await watched.tell('checks')).step('checks').outcome).toBe('ok')
  })

  test('a lost registration is told, and made again on consent; a twin of it is told too', async () => {
    const body = { ID: 'lost-1', Name: 'lost', Port: 8080, Check: { TTL: '10m', Status: 'passing' } }
    const cure = rightsOf(consul.guide, '', 'For the cure').join('\n').replace('NAME', 'lost')
    const mine = tellerOf({
      registrations: [body],
      token: await asked.tokenWith(`${rights.join('\n')}\n${cure}`),
    })
    const told = await mine.tell('registration')
    expect(told.summaries('registration')).toEqual([
      `lost-1 (service lost) is not registered with 127.0.0.1:${asked.port}`,
    ])
    expect(told.step('registration').findings[0]?.cure).toMatchObject({ consent: 'ask' })
    const without = await tellerOf({ registrations: [body] }).tell('registration')
    await expect(without.cure('registration/lost-1')).rejects.toMatchObject({
      name: 'DidNotHelp',
      reason: { values: ['service:write'] },
    })
    await told.cure('registration/lost-1')
    expect((await mine.tell('registration')).step('registration').outcome).toBe('ok')
    await checksAre('lost', 'passing')
    await using _ = await register({ ID: 'lost-0', Name: 'lost', Port: 8080 })
    const twins = await mine.tell('registration')
    expect(twins.summaries('registration')).toEqual([
      'lost-1 and lost-0 are registered for one and the same port 8080',
    ])
    expect(twins.cures.size).toBe(0)
    await asked.ask('PUT', '/v1/agent/service/deregister/lost-1')
  })

  test('a server that died is told once, and not as its checks; back again, all is well', async () => {
    const [dead] = others
    await dead.kill()
    await until('it is missed', async () => {
      const told = await tellerOf().tell('autopilot')
      return told.summaries('autopilot')[0] === `servers are not healthy: ${dead.name} (failed)`
    })
    const told = await tellerOf().tell('autopilot')
    expect(told.summaries('autopilot').at(-1)).toBe(
      'of 3 voting servers no further one may fail: then nothing can be written',
    )
    await until('its own check is critical', async () =>
      (await asked.ask('GET', '/v1/health/state/critical')).body.includes('serfHealth'),
    )
    expect((await tellLater(tellerOf(), 'checks', 6 * minute)).step('checks').outcome).toBe('ok')
    expect((await tellLater(tellerOf(), 'members', 10 * minute + 1000)).summaries('members')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^the member ${dead.name} \\(127.0.0.1\\) has been failed for 10 min .* \\(limit 10 min\\)$`,
        ),
      ),
    ])
    await dead.restart()
    await until('it is a server again', isHealthy, { deadline: 30_000 })
    expect((await tellerOf().tell('autopilot', 'members')).outcomes()).toMatchObject({ autopilot: 'ok' })
  })

  test('an agent that hangs is one problem', async () => {
    await freezeWhole(asked)
    const told = await tellerOf().tell()
    asked.thaw()
    expect(told.summaries('connect')).toEqual([expect.stringContaining('accepts TCP but does not answer')])
    expect(told.outcomes()).toMatchObject({ leader: 'skipped', checks: 'skipped' })
    await until('it is a server again', isHealthy, { deadline: 30_000 })
  })

  test('a server that left is missed only where so many are expected', async () => {
    const [left] = others
    await left.ask('PUT', '/v1/agent/leave')
    // It may have led: then the others choose first.
    await until('it left, and somebody leads', async () => {
      const [peers, leader] = await Promise.all(
        ['peers', 'leader'].map((what) => asked.ask('GET', `/v1/status/${what}`)),
      )
      return JSON.parse(peers?.body ?? '[]').length === 2 && JSON.parse(leader?.body ?? '""') !== ''
    })
    const told = await tellerOf({ expectServers: 3 }).tell('leader')
    expect(told.summaries('leader')).toEqual([
      expect.stringMatching(/^only 2 of 3 servers are in the cluster: 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+$/),
    ])
    expect(told.step('leader').findings[0]).toMatchObject({ severity: 'warning' })
    expect((await tellerOf().tell('leader')).step('leader').outcome).toBe('ok')
    expect((await tellLater(tellerOf(), 'members', 20 * minute)).step('members').outcome).toBe('ok')
  })

  test('servers without a leader are told as just that, and at once', async () => {
    const web = { ID: 'web-1', Name: 'web' }
    const [, last] = others
    await last.kill()
    await until('nobody leads', async () => (await asked.ask('GET', '/v1/status/leader')).body === '""')
    const told = await tellerOf({ expectServers: 3, services: ['web'], registrations: [web] }).tell()
    expect(told.summaries('leader')).toEqual([
      `the cluster of 127.0.0.1:${asked.port} has no leader: nothing can be written, and nobody registers`,
    ])
    expect(told.step('leader').findings[0]).toMatchObject({ severity: 'critical' })
    expect(told.reason('autopilot')).toBe('the cluster has no leader')
    expect(told.reason('checks')).toBe('the cluster has no leader')
    expect(told.reason('service')).toBe('web: the cluster has no leader')
    expect(told.outcomes()).toMatchObject({ connect: 'ok', registration: 'problem', members: 'ok' })

    // The agent waits with its own services, too, while it cannot hand on what it was told.
    register(web).catch(() => {})
    await until(
      'it waits',
      async () =>
        (await tellerOf({ registrations: [web] }).tell('registration')).reason('registration') ===
        'the cluster has no leader',
      { deadline: 20_000 },
    )
  })

  test('an agent that died is told as down', async () => {
    await asked.kill()
    expect((await tellerOf().tell()).summaries('connect')).toEqual([
      `nothing listens on 127.0.0.1:${asked.port}`,
    ])
  })
})
