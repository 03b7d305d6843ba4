import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Rabbitmq, startRabbitmq } from '../../support/servers/rabbitmq.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describeWith(['rabbitmq', 'openssl'], 'the node of a RabbitMQ', () => {
  let broker: Rabbitmq
  let certificates: Certificates
  let tlsPort: number

  beforeAll(async () => {
    certificates = await makeCertificates()
    tlsPort = await freePort()
    broker = await startRabbitmq({
      conf: `
listeners.ssl.default = 127.0.0.1:${tlsPort}
ssl_options.cacertfile = ${certificates.caFile}
ssl_options.certfile = ${certificates.soon.certFile}
ssl_options.keyfile = ${certificates.soon.keyFile}
`,
    })
    for (const tags of ['monitoring', 'management', '']) {
      await broker.api('PUT', `/api/users/${tags || 'untagged'}`, { password: marker, tags })
    }
    await broker.api('PUT', '/api/permissions/%2F/monitoring', { configure: '^$', write: '^$', read: '^$' })
  })

  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]()
    await certificates?.[Symbol.asyncDispose]()
  })

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) =>
    teller(
      rabbitmq,
      { nodes: [broker.managementUrl], user: 'monitoring', password: marker, ...withOptions },
      steps,
    )

  const withoutGrace = { backlog: { grace: '0s' }, resources: { grace: '0s' } }

  test('a node with nothing to complain about is fine, ports that clients use included', async () => {
    const amqp = [`amqp://user:${marker}@127.0.0.1:${broker.port}`]
    const watched = tellerOf({ amqp }, { ...withoutGrace, version: {} })
    const first = await watched.tell('resources')
    if (first.step('resources').outcome === 'unknown') {
      expect(first.reason('resources')).toContain('the broker does not yet know: ')
    }
    const told = await until('the broker knows its own figures', async () => {
      const told = await watched.tell()
      return told.step('resources').outcome !== 'unknown' && told
    })
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])
    expect(outcomes).toHaveLength(11)
  })

  test.each([
    [{ user: 'monitoring', password: 'wrong' }, 'problem', 'refuses the login: login as monitoring'],
    [{ user: undefined, password: undefined }, 'problem', 'wants a password and none is configured'],
    [{ user: 'untagged' }, 'unknown', 'does not allow this: the user untagged has no tag that lets it in'],
  ])('a login with %o is a %s that says why', async (login, outcome, words) => {
    const told = await tellerOf(login).tell()
    expect(told.step('connect').outcome).toBe(outcome)
    const said = outcome === 'problem' ? told.summaries('connect').join() : told.reason('connect')
    expect(said).toContain(words)
    expect(told.step('nodes').outcome).toBe('skipped')
  })

  test('a user without the tag monitoring is told to lack it', async () => {
    const told = await tellerOf({ user: 'management' }).tell('nodes', 'resources', 'alarms')
    expect(told.step('alarms').outcome).toBe('ok')
    for (const step of ['nodes', 'resources']) {
      expect(told.step(step).outcome).toBe('unknown')
      expect(told.reason(step)).toContain('rabbitmqctl set_user_tags management monitoring')
    }
  })

  test('one of two nodes that does not answer is a warning', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`
    const told = await tellerOf({ nodes: [gone, broker.managementUrl] }).tell('connect')
    expect(told.step('connect').findings).toMatchObject([
      { severity: 'warning', key: new URL(gone).host, evidence: { kind: 'refused' } },
    ])
  })

  test('a port that clients use and nobody listens on is told', async () => {
    const port = await freePort()
    const told = await tellerOf({ amqp: [`amqp://127.0.0.1:${port}`] }).tell('connect')
    expect(told.summaries('connect')).toEqual([
      `clients cannot connect: nothing listens on 127.0.0.1:${port}`,
    ])
    expect(told.step('connect').findings[0]?.severity).toBe('critical')
  })

  test('a management that is down beside a broker that runs is told apart', async () => {
    const nodes = [`http://127.0.0.1:${await freePort()}`]
    const amqp = [`amqp://127.0.0.1:${broker.port}`]
    const told = await tellerOf({ nodes, amqp }).tell()
    expect(told.summaries('connect')).toEqual([
      expect.stringContaining(`clients still reach 127.0.0.1:${broker.port}`),
    ])
  })

  test('another service on the port is not taken for RabbitMQ', async () => {
    const told = await tellerOf({ nodes: [`http://127.0.0.1:${broker.port}`] }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
  })

  test('an alarm is told with its figures, and is over with its cause', async () => {
    const watched = tellerOf()
    await broker.ctl('set_vm_memory_high_watermark', 'absolute', '1MB')
    await broker.ctl('set_disk_free_limit', '99999GB')
    const told = await until('both alarms are on and the figures have followed', async () => {
      const told = await watched.tell('alarms')
      return told.summaries('alarms').filter((summary) => summary.includes('limit')).length === 2 && told
    })
    expect(told.step('alarms').findings.map(({ severity }) => severity)).toEqual(['critical', 'critical'])
    expect(told.summaries('alarms').toSorted()).toEqual([
      expect.stringMatching(
        /^every publisher is stopped: node hz\S+ has too little disk left \(.+ GiB, limit 91 TiB\)$/,
      ),
      expect.stringMatching(
        /^every publisher is stopped: node hz\S+ uses too much memory \(\d+ MiB, limit 977 KiB\)$/,
      ),
    ])
    await broker.ctl('set_vm_memory_high_watermark', '0.4')
    await broker.ctl('set_disk_free_limit', '50MB')
    await until('the alarms are off', async () => {
      return (await watched.tell('alarms')).step('alarms').outcome === 'ok'
    })
  })

  test('a node that nears its limits is told before the alarm', async () => {
    const [node] = (await broker.api('GET', '/api/nodes')) as [{ mem_used: number; disk_free: number }]
    await broker.ctl('set_vm_memory_high_watermark', 'absolute', `${Math.round(node.mem_used * 1.15)}`)
    await broker.ctl('set_disk_free_limit', `${Math.round(node.disk_free * 0.7)}`)
    const watched = tellerOf({}, withoutGrace)
    const told = await until('both are near, by the new limits', async () => {
      const told = await watched.tell('resources')
      const [memory = ''] = told.summaries('resources')
      return told.step('resources').findings.length === 2 && / uses \d\d % /.test(memory) && told
    })
    expect(told.summaries('resources')).toEqual([
      expect.stringMatching(/^node hz\S+ uses \d\d % of its memory \(\d+ MiB of \d+ MiB, limit [89]0 %\)$/),
      expect.stringMatching(/^node hz\S+ has .+ of disk left; at .+ it stops every publisher/),
    ])
    await broker.ctl('set_vm_memory_high_watermark', '0.4')
    await broker.ctl('set_disk_free_limit', '50MB')
    await until('there is room again', async () => {
      return (await watched.tell('resources')).step('resources').outcome === 'ok'
    })
  })

  test('a virtual host that is down is started again', async () => {
    await broker.api('PUT', '/api/vhosts/shop')
    const kill = '{ok, Pid} = rabbit_vhost_sup_sup:get_vhost_sup(<<"shop">>), exit(Pid, kill)'
    // One after the other within one call: the control program may take seconds to start.
    const often = `[begin catch (fun() -> ${kill} end)(), timer:sleep(100) end || _ <- lists:seq(1, 10)].`
    const told = await until('the virtual host falls more often than it gets up', async () => {
      await broker.ctl('eval', often)
      const told = await tellerOf().tell('vhosts')
      return told.step('vhosts').outcome === 'problem' && told
    })
    expect(told.summaries('vhosts')).toEqual([
      `the virtual host shop is down on node ${broker.nodeName} and refuses its clients`,
    ])
    await expect(told.cure(`vhosts/shop ${broker.nodeName}`)).rejects.toMatchObject({
      reason: { template: 'the user {0} lacks the tag administrator, which this takes' },
    })
    const watched = tellerOf({ user: broker.user, password: broker.password })
    const again = await watched.tell('vhosts')
    expect(again.step('vhosts').findings).toMatchObject([{ severity: 'critical', cure: { consent: 'auto' } }])
    await again.cure(`vhosts/shop ${broker.nodeName}`)
    expect((await watched.tell('vhosts')).step('vhosts').outcome).toBe('ok')
  })

  test('a certificate of the broker that ends soon is told', async () => {
    const told = await tellerOf({ certificateDays: 30 }).tell('cert')
    expect(told.summaries('cert')).toEqual([
      `a certificate of node ${broker.nodeName} for amqp/ssl on port ${tlsPort} ends within 30 days`,
    ])
  })

  test('a counter that fell with a restart is no loss, and a backlog is seen right after it', async () => {
    await broker.api('PUT', '/api/queues/%2F/kept', { durable: true })
    for (let sent = 0; sent < 3; sent++) {
      await broker.api('POST', '/api/exchanges/%2F/amq.default/publish', {
        ...{
          properties: { delivery_mode: 2 },
          routing_key: 'kept',
          payload: 'x',
          payload_encoding: 'string',
        },
      })
    }
    const watched = tellerOf({}, { ...withoutGrace, backlog: { max: 2, grace: '0s' } })
    watched.samples = { unroutable: { at: Date.now() - 60_000, value: { dropped: 500, returned: 500 } } }
    await broker.restart()
    const told = await until('the broker knows its queues', async () => {
      const told = await watched.tell('backlog', 'unroutable')
      return told.step('backlog').outcome !== 'unknown' && told
    })
    expect(told.step('unroutable').outcome).toBe('ok')
    expect(told.summaries('backlog')).toEqual([
      expect.stringContaining('kept holds 3 messages (limit 2) and does not shrink: nobody consumes'),
    ])
  })

  test('nothing that is told or thrown holds a password', async () => {
    const nodes = [broker.managementUrl.replace('//', `//monitoring:${marker}@`)]
    const amqp = [`amqp://guest:${marker}@127.0.0.1:${broker.port}`]
    const watched = tellerOf({ nodes, amqp, user: undefined, password: undefined }, withoutGrace)
    const told = [await watched.tell(), await tellerOf({ password: `${marker}wrong` }).tell()]
    expect(told.map((telling) => telling.step('connect').outcome)).toEqual(['ok', 'problem'])
    const options = rabbitmq.options.parse({ nodes, amqp, password: marker })
    const printed = [JSON.stringify(told), inspect(told, { depth: 20 }), inspect(options, { depth: 20 })]
    for (const text of [...printed, JSON.stringify(options)]) expect(text).not.toContain(marker)
  })

  test('a node that hangs is told as hanging, one behind a firewall as unreachable', async () => {
    broker.freeze()
    try {
      const start = performance.now()
      const told = await tellerOf({ amqp: [`amqp://127.0.0.1:${broker.port}`] }).tell()
      expect(performance.now() - start).toBeLessThan(5000)
      expect(problemsOf(told.steps)).toEqual(['connect timeout-reply'])
    } finally {
      broker.thaw()
    }
  })

  test('a connection that breaks off is told as such', async () => {
    await using proxy = await startTcpFaultProxy(broker.managementPort)
    await proxy.become('reset')
    const told = await tellerOf({ nodes: [`http://127.0.0.1:${proxy.port}`] }).tell()
    expect(problemsOf(told.steps)).toEqual(['connect reset'])
  })

  test('a node that is dead is told at once', async () => {
    await broker.kill()
    const start = performance.now()
    const told = await tellerOf().tell()
    expect(performance.now() - start).toBeLessThan(2500)
    expect(problemsOf(told.steps)).toEqual(['connect refused'])
  })
})

type Steps = Awaited<ReturnType<ReturnType<typeof teller>['tell']>>['steps']

function problemsOf(steps: Steps): readonly string[] {
  return Object.values(steps).flatMap(({ step, findings }) =>
    findings.map(({ evidence }) => `${step} ${evidence['kind']}`),
  )
}
