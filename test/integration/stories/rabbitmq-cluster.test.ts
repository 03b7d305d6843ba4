import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type RabbitmqCluster, startRabbitmqCluster } from '../../support/servers/rabbitmq.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

describeWith(['rabbitmq'], 'a cluster of three RabbitMQ nodes', () => {
  let cluster: RabbitmqCluster

  beforeAll(async () => {
    cluster = await startRabbitmqCluster()
    const [first, , third] = cluster.nodes
    const commands = [
      ...rightsOf(rabbitmq.guide, 'hz-mon'),
      ...rightsOf(rabbitmq.guide, 'hz-mon', 'on each virtual host'),
    ]
    for (const command of commands) await first.ctl(...wordsOf(command).slice(1))
    await first.api('PUT', '/api/queues/%2F/safe', {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-quorum-initial-group-size': 3 },
    })
    await third.api('PUT', '/api/queues/%2F/home', { durable: true })
    const message = { properties: {}, routing_key: 'safe', payload: 'x', payload_encoding: 'string' }
    for (let sent = 0; sent < 3; sent++)
      await first.api('POST', '/api/exchanges/%2F/amq.default/publish', message)
    await until(
      'the queues show their figures',
      async () => {
        const queues = (await first.api('GET', '/api/queues')) as { messages?: number; online?: string[] }[]
        return queues.length === 2 && queues.every(({ messages }) => messages !== undefined)
      },
      { deadline: 20_000 },
    )
  }, 120_000)

  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const watching = (more: object = {}, steps: Record<string, Record<string, unknown>> = {}) =>
    teller(
      rabbitmq,
      {
        nodes: cluster.nodes.map(({ managementUrl }) => managementUrl),
        ...{ user: 'healthz', password: 'hz-mon', expect: ['home'] },
        ...more,
      },
      { backlog: { grace: '0s' }, resources: { grace: '0s' }, ...steps },
    )

  /** Those that survive: a call to a dead node only waits. */
  const first = () => ({ nodes: [cluster.nodes[0].managementUrl] })

  test('it is well, seen with the documented rights and no more', async () => {
    const watch = watching({}, { version: {} })
    const told = await until('all of it is known', async () => {
      const each = await watch.tell()
      return Object.values(each.steps).every(({ outcome }) => outcome !== 'unknown') && each
    })
    expect(Object.values(told.steps).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(JSON.stringify(told.step('nodes').notes)).toContain('"values":[3,3]')
  })

  test('a backlog may be met by spreading the queues, by a user with the right for it', async () => {
    const limit = { backlog: { max: 2, grace: '0s' } }
    const told = await watching({}, limit).tell('backlog')
    expect(told.step('backlog').findings).toMatchObject([{ key: 'safe', cure: { consent: 'ask' } }])
    await expect(told.cure('backlog/safe')).rejects.toMatchObject({
      reason: { template: 'the user {0} lacks the tag administrator, which this takes' },
    })
    const [first] = cluster.nodes
    for (const command of rightsOf(rabbitmq.guide, 'hz-mon', 'for the cures'))
      await first.ctl(...wordsOf(command).slice(1))
    await (await watching({}, limit).tell('backlog')).cure('backlog/safe')
  })

  test('a node in maintenance takes no clients, and none of the replicated queues', async () => {
    const [, , third] = cluster.nodes
    await third.ctl('eval', 'rabbit_maintenance:drain().')
    const watch = watching()
    const told = await until('it is drained', async () => {
      const each = await watch.tell('connect', 'nodes', 'quorum')
      return each.step('quorum').outcome === 'problem' && each
    })
    // RabbitMQ 3.10 has no word for it among the figures of its nodes.
    expect(told.step('nodes').outcome).toBe('ok')
    expect(JSON.stringify(told.step('nodes').notes)).toContain('does not tell of maintenance')
    expect(told.step('connect').findings).toMatchObject([
      { severity: 'warning', evidence: { kind: 'refused' } },
    ])
    expect(JSON.stringify(told.step('connect').findings[0]?.advice)).toContain('rabbitmq-upgrade revive')
    expect(told.summaries('quorum')).toEqual(['safe has 2 of its 3 members'])
    await third.ctl('eval', 'rabbit_maintenance:revive().')
    await well(watch, 'connect', 'nodes', 'quorum')
  })

  test('a node that hangs keeps the others from gathering figures, which is one problem', async () => {
    const [, second] = cluster.nodes
    second.freeze()
    try {
      const told = await watching(first()).tell('alarms', 'nodes', 'backlog', 'quorum', 'unroutable')
      expect(told.step('alarms').outcome).toBe('ok')
      expect(told.summaries('nodes')).toEqual([
        'the cluster gathers no figures: one of its nodes does not answer the others',
      ])
      for (const step of ['backlog', 'quorum', 'unroutable']) {
        expect(told.step(step)).toMatchObject({ outcome: 'unknown', findings: [] })
      }
    } finally {
      second.thaw()
    }
    await well(watching(first()), 'nodes', 'quorum')
  })

  test('what one dead node costs is a warning, what two cost is not to be used any more', async () => {
    const [, second, third] = cluster.nodes
    const watch = watching(first())
    await third.kill()
    const one = await until('its loss is seen', async () => {
      const told = await watch.tell('nodes', 'quorum', 'expected-queues')
      const findings = ['nodes', 'quorum', 'expected-queues'].map((step) => told.step(step).findings.length)
      return findings.every((found) => found === 1) && told
    })
    expect(one.summaries('nodes')[0]).toMatch(
      new RegExp(`^node ${third.nodeName} (does not run|has not run for )`),
    )
    expect(one.summaries('quorum')).toEqual(['safe has 2 of its 3 members'])
    expect(one.step('quorum').findings[0]).toMatchObject({
      severity: 'warning',
      evidence: { members: 3, online: 2, away: third.nodeName },
    })
    expect(one.summaries('expected-queues')).toEqual([
      `the queue home in / is down with its node ${third.nodeName}`,
    ])
    expect((await watching().tell('connect')).step('connect').findings).toMatchObject([
      { severity: 'warning', evidence: { kind: 'refused' } },
    ])

    await second.kill()
    const two = await until('the loss of the majority is seen', async () => {
      const told = await watch.tell('nodes', 'quorum')
      return told.step('quorum').findings[0]?.severity === 'critical' && told
    })
    expect(two.summaries('quorum')).toEqual(['safe cannot be used: it has only 1 of its 3 members'])
    expect(two.step('nodes').findings.map(({ severity }) => severity)).toEqual(['critical', 'critical'])

    await Promise.all([second.restart(), third.restart()])
    await well(watch, 'nodes', 'quorum', 'expected-queues')
  }, 90_000)
})

async function well(watch: { tell(...only: string[]): Promise<Told> }, ...steps: string[]): Promise<void> {
  await until(
    'all is well again',
    async () => {
      const told = await watch.tell(...steps)
      return steps.every((step) => told.step(step).outcome === 'ok')
    },
    { deadline: 30_000 },
  )
}
