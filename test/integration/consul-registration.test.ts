import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { registerWithConsul } from '../../src/app/consul-registration.ts'
import { consulSchema } from '../../src/config/consul-schema.ts'
import { describeWith } from '../support/needs.ts'
import { makePlace } from '../support/program.ts'
import { type ConsulAgent, startConsulAgent } from '../support/servers/consul-agent.ts'
import { type Consul, startConsul } from '../support/servers/consul-fake.ts'
import { otherDebians } from '../support/servers/debian-tree.ts'
import { until } from '../support/servers/until.ts'

const marker = 'hunter2SECRET'
const watched = { node: 'watch-1', platform: 'shop' }

describeWith([otherDebians], 'the daemon as a service of a Consul agent', () => {
  let agent: ConsulAgent
  beforeAll(async () => {
    agent = await startConsulAgent()
  })
  afterEach(async () => {
    await agent.ask('PUT', '/v1/agent/service/deregister/healthz-watch-1')
  })
  afterAll(() => agent?.[Symbol.asyncDispose]())

  const begin = (given: Record<string, unknown> = {}, lookEvery = 50) => {
    const failures: string[] = []
    const registration = registerWithConsul(
      watched,
      consulSchema.parse({ url: agent.url, token: agent.token, ...given }),
      { host: '127.0.0.1', port: 9180 },
      { version: '1.0.0', lookEvery, failed: (what, error) => failures.push(`${what}: ${error}`) },
    )
    return { failures, registration, [Symbol.asyncDispose]: () => registration[Symbol.asyncDispose]() }
  }

  const services = async () => JSON.parse((await agent.ask('GET', '/v1/agent/services')).body)
  const known = (id = 'healthz-watch-1') => until(`${id} is registered`, async () => (await services())[id])
  /** The status of its check, and what Consul does about it. */
  const checkOf = async () => JSON.parse((await agent.ask('GET', '/v1/health/checks/healthz')).body)[0]

  test('a daemon registers, is asked whether it lives, and is gone when it has ended', async () => {
    await using place = await makePlace({
      'healthz.yaml': `
node: n1
platform: shop
http: { listen: "127.0.0.1:0" }
store: memory
consul: { url: "${agent.url}", token: "\${TOKEN}", tags: [ops], interval: 1s }
stories: [{ story: host, with: {} }]
channels: { out: { use: console } }
`,
    })
    const token = await agent.tokenWith('service "healthz" { policy = "write" }')
    place.env['TOKEN'] = token
    const daemon = await place.daemon()
    await until('Consul saw it live', async () => (await checkOf())?.Status === 'passing')
    const { http } = await daemon.says('started')
    expect(await checkOf()).toMatchObject({
      Name: 'healthz lives',
      CheckID: 'service:healthz-n1',
      ServiceTags: ['ops'],
      Output: expect.stringContaining(`${http}/livez: 200 OK`),
    })
    expect((await services())['healthz-n1']).toMatchObject({
      Service: 'healthz',
      Port: Number(new URL(String(http)).port),
      Meta: { platform: 'shop', node: 'n1' },
    })
    const shown = await place.run('config', 'show')
    expect(shown.stdout).toContain('token: "***"')
    daemon.signal('SIGSTOP')
    await until('Consul misses it', async () => (await checkOf()).Status === 'critical')
    daemon.signal('SIGCONT')
    await until('Consul sees it again', async () => (await checkOf()).Status === 'passing')
    daemon.signal('SIGTERM')
    await daemon.ended()
    expect(await services()).toEqual({})
    expect(daemon.stdout() + daemon.stderr()).not.toContain(token)
  })

  test('an agent that lost its data is told again', async () => {
    await using begun = begin()
    await known()
    await agent.restartWithoutData()
    await known()
    await begun.registration[Symbol.asyncDispose]()
    expect(await services()).toEqual({})
  })

  test('an agent that forgot it in the meantime is no failure at the end', async () => {
    await using begun = begin({}, 600_000)
    await known()
    await agent.ask('PUT', '/v1/agent/service/deregister/healthz-watch-1')
    await begun.registration[Symbol.asyncDispose]()
    expect(begun.failures).toEqual([])
  })

  test('an agent that is down is told once, and found when it comes', async () => {
    await agent.kill()
    await using begun = begin()
    await until('it was told', () => begun.failures.length > 0)
    await agent.restart()
    await known()
    expect(begun.failures[0]).toContain('refused: 127.0.0.1:')
    expect(begun.failures.filter((failure) => failure.includes('refused: '))).toHaveLength(1)
    await agent.kill()
    await begun.registration[Symbol.asyncDispose]()
    expect(begun.failures.at(-1)).toContain('refused: 127.0.0.1:')
    await agent.restart()
  })

  test('a token without the right is told, and so is one that nobody knows; neither is shown', async () => {
    const poor = await agent.tokenWith('service "healthz" { policy = "read" }')
    for (const [token, said] of [
      [poor, 'its token lacks the right service:write'],
      [crypto.randomUUID(), 'it does not know the token'],
    ] as const) {
      await using begun = begin({ token })
      await until('it was told', () => begun.failures.length > 0)
      await begun.registration[Symbol.asyncDispose]()
      expect(begun.failures[0]).toContain(said)
      expect(begun.failures.join()).not.toContain(token)
    }
  })
})

describe('what the daemon tells a Consul agent', () => {
  let agent: Consul

  beforeAll(async () => {
    agent = await startConsul()
  })

  beforeEach(() => agent.reset())

  afterAll(() => agent?.[Symbol.asyncDispose]())

  const begin = (given: Record<string, unknown> = {}, http = { host: '127.0.0.1', port: 9180 }) => {
    const failures: string[] = []
    const registration = registerWithConsul(
      watched,
      consulSchema.parse({ url: agent.url, token: marker, ...given }),
      http,
      { version: '1.0.0', lookEvery: 50, failed: (what, error) => failures.push(`${what}: ${error}`) },
    )
    return { failures, registration }
  }

  const known = (id: string) => until(`${id} is registered`, () => agent.services[id])

  test('what it is, with a check of its liveness, and once', async () => {
    const { registration, failures } = begin({ tags: ['ops'], interval: '5s' })
    expect(await known('healthz-watch-1')).toMatchObject({
      Service: 'healthz',
      Port: 9180,
      Tags: ['ops'],
      Meta: { platform: 'shop', node: 'watch-1', version: '1.0.0' },
      Check: {
        HTTP: 'http://127.0.0.1:9180/livez',
        Interval: '5000ms',
        Timeout: '2000ms',
        DeregisterCriticalServiceAfter: '3600000ms',
      },
    })
    const looks = agent.requests.length
    await until('it looked twice more', () => agent.requests.length >= looks + 2)
    const registered = agent.requests.filter(({ path }) => path.includes('/register'))
    expect(registered).toHaveLength(1)
    await registration[Symbol.asyncDispose]()
    expect(agent.services).toEqual({})
    expect(failures).toEqual([])
  })

  test.each([
    ['0.0.0.0', {}, undefined, 'http://127.0.0.1:9180/livez'],
    ['::1', {}, undefined, 'http://[::1]:9180/livez'],
    ['10.0.0.7', {}, '10.0.0.7', 'http://10.0.0.7:9180/livez'],
    ['0.0.0.0', { address: 'watch-1.lan' }, 'watch-1.lan', 'http://watch-1.lan:9180/livez'],
  ])('listening on %s with %o it is reached where it should be', async (host, given, address, url) => {
    const { registration } = begin({ ...given, id: 'w' }, { host, port: 9180 })
    const service = await known('w')
    expect(JSON.parse(agent.requests.findLast(({ body }) => body !== '')?.body ?? '')['Address']).toBe(
      address,
    )
    expect(service['Check']).toMatchObject({ HTTP: url })
    await registration[Symbol.asyncDispose]()
  })

  test('without HTTP there is nothing that Consul could ask', async () => {
    await using place = await makePlace({
      'healthz.yaml':
        'http: off\nconsul: {}\nstories: [{ story: host, with: {} }]\nchannels: { out: { use: console } }\n',
    })
    const checked = await place.run('config', 'check')
    expect(checked.code).toBe(2)
    expect(checked.stdout + checked.stderr).toContain('and "http" is off')
  })
})
