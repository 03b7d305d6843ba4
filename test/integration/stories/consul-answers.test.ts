import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import consul from '../../../stories/consul/index.ts'
import { type Consul, startConsul } from '../../support/servers/consul-fake.ts'
import { startListening } from '../../support/servers/listening.ts'
import { teller } from '../../support/teller.ts'

/** What a real Consul 1.8 does not say, or cannot be brought to say within a test: `consul-cluster.test.ts` has the rest. */
describe('written answers of Consul', () => {
  let agent: Consul

  beforeAll(async () => {
    agent = await startConsul()
  })

  beforeEach(() => agent.reset())

  afterAll(() => agent?.[Symbol.asyncDispose]())

  const tellerOf = (withOptions: Record<string, unknown> = {}) =>
    teller(consul, { url: agent.url, token: 'hunter2SECRET', ...withOptions })

  test('a healthy cluster is fine in every step that is on', async () => {
    expect((await tellerOf().tell()).outcomes()).toEqual({
      connect: 'ok',
      leader: 'ok',
      autopilot: 'ok',
      checks: 'ok',
      members: 'ok',
    })
  })

  test('an agent that knows no servers has no leader', async () => {
    agent.answer('/v1/status/leader', { status: 500, body: 'No known Consul servers' })
    const told = await tellerOf().tell()
    expect(told.summaries('leader')).toEqual([
      `the cluster of 127.0.0.1:${agent.port} has no leader: nothing can be written, and nobody registers`,
    ])
    expect(told.reason('checks')).toBe('the cluster has no leader')
    expect(told.step('members').outcome).toBe('ok')
  })

  test('a leader that has not looked yet is not taken for unhealthy servers', async () => {
    const body = { Healthy: false, FailureTolerance: 0, Servers: null }
    agent.answer('/v1/operator/autopilot/health', { status: 429, body })
    expect((await tellerOf().tell('autopilot')).reason('autopilot')).toBe(
      'the leader is new, and has not looked at the servers yet',
    )
  })

  test('a single server was never meant to outlive a failure', async () => {
    agent.answer('/v1/operator/autopilot/health', {
      status: 200,
      body: { Healthy: true, FailureTolerance: 0, Servers: [{ Name: 's1', Healthy: true, Voter: true }] },
    })
    expect((await tellerOf().tell('autopilot')).step('autopilot').outcome).toBe('ok')
  })

  const filtered = { status: 200, body: [], isFiltered: true }

  test('what later versions say they left out is unknown, with the right that is missing', async () => {
    agent.answer('/v1/operator/autopilot/health', {
      status: 403,
      body: "Permission denied: token with AccessorID 'a' lacks permission 'operator:read'",
    })
    agent.answer('/v1/health/state/critical', filtered)
    agent.answer('/v1/agent/members', filtered)
    agent.answer('/v1/health/service/web', filtered)
    agent.answer('/v1/agent/services', { status: 200, body: {}, isFiltered: true })
    const told = await tellerOf({ services: ['web'], registrations: [{ ID: 'a', Name: 'a' }] }).tell()
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
  })

  test('where they would say so, an empty answer is believed without the right to see the servers', async () => {
    agent.answer('/v1/health/service/consul', filtered)
    agent.answer('/v1/health/service/web', { status: 200, body: [] })
    expect((await tellerOf({ services: ['web'] }).tell('service')).summaries('service')).toEqual([
      '0 of 0 instances of the service web pass (at least 1 needed)',
    ])
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

  test('what is no agent, or keeps its API shut, is one problem', async () => {
    const connect = async (url: string) => (await teller(consul, { url }).tell()).summaries('connect')[0]
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
