import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { registerWithConsul } from '../../src/app/consul-registration.ts'
import { consulSchema } from '../../src/config/consul-schema.ts'
import { makePlace } from '../support/program.ts'
import { type Consul, startConsul } from '../support/servers/consul.ts'
import { until } from '../support/servers/until.ts'

const marker = 'hunter2SECRET'

describe('the daemon as a service of Consul', () => {
  let agent: Consul

  beforeAll(async () => {
    agent = await startConsul()
    agent.want(marker)
  })

  beforeEach(async () => {
    agent.reset()
    await agent.up()
  })

  afterAll(() => agent?.[Symbol.asyncDispose]())

  const begin = (given: Record<string, unknown> = {}, http = { host: '127.0.0.1', port: 9180 }) => {
    const failures: string[] = []
    const registration = registerWithConsul(
      { node: 'watch-1', platform: 'shop' },
      consulSchema.parse({ url: agent.url, token: marker, ...given }),
      http,
      { version: '1.0.0', lookEvery: 50, failed: (what, error) => failures.push(`${what}: ${error}`) },
    )
    return { failures, registration }
  }

  const known = (id: string) => until(`${id} is registered`, () => agent.services[id])

  test('it registers with a check of its liveness, and takes itself out', async () => {
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
    await registration[Symbol.asyncDispose]()
    expect(agent.services).toEqual({})
    expect(failures).toEqual([])
  })

  test('an agent that knows it is left alone, and one that forgot it is told again', async () => {
    const { registration } = begin()
    await known('healthz-watch-1')
    const registered = () =>
      agent.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/register'))
    const before = registered().length
    const looks = agent.requests.length
    await until('it looked twice more', () => agent.requests.length >= looks + 2)
    expect(registered()).toHaveLength(before)
    agent.forget()
    await known('healthz-watch-1')
    await registration[Symbol.asyncDispose]()
  })

  test('an agent that is down is told once, and found when it comes', async () => {
    await agent.down()
    const { registration, failures } = begin()
    await until('it was told', () => failures.length > 0)
    await agent.up()
    await known('healthz-watch-1')
    expect(failures).toEqual([expect.stringContaining('refused: 127.0.0.1:')])
    await agent.down()
    await registration[Symbol.asyncDispose]()
    expect(failures.at(-1)).toContain('refused')
  })

  test('a token without the right is told, and never shown', async () => {
    const { registration, failures } = begin({ token: `${marker}-other` })
    await until('it was told', () => failures.length > 0)
    await registration[Symbol.asyncDispose]()
    expect(failures[0]).toContain('its token lacks the right service:write')
    expect(failures.join()).not.toContain(marker)
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

  test('a daemon registers when it starts, and is gone when it has ended', async () => {
    await using place = await makePlace({
      'healthz.yaml': `
node: n1
http: { listen: "127.0.0.1:0" }
store: memory
consul: { url: "${agent.url}", token: "\${TOKEN}", id: one }
stories: [{ story: host, with: {} }]
channels: { out: { use: console } }
`,
    })
    place.env['TOKEN'] = marker
    const daemon = await place.daemon()
    const { Check } = (await known('one')) as { Check: { HTTP: string } }
    expect((await fetch(Check.HTTP)).status).toBe(200)
    const shown = await place.run('config', 'show')
    expect(shown.stdout).toContain('token: "***"')
    daemon.signal('SIGTERM')
    await daemon.ended()
    expect(agent.services).toEqual({})
    expect(daemon.stdout() + daemon.stderr()).not.toContain(marker)
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
