import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { describeWith } from '../../support/needs.ts'
import { debian13, otherDebians } from '../../support/servers/debian-tree.ts'
import { type Rabbitmq, type RabbitmqCluster, startRabbitmqCluster } from '../../support/servers/rabbitmq.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, teller } from '../../support/teller.ts'

describeWith(['rabbitmq', otherDebians], 'a cluster of three RabbitMQ 4.0 nodes', () => {
  let cluster: RabbitmqCluster
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** By their names: the broker names the members of a queue in this order. */
  const nodes = (): RabbitmqCluster['nodes'] => {
    const [first, second, last] = cluster.nodes.toSorted((a, b) => (a.nodeName < b.nodeName ? -1 : 1))
    if (first === undefined || second === undefined || last === undefined) throw new Error('no three nodes')
    return [first, second, last]
  }

  const watching = (at: Rabbitmq) =>
    teller(rabbitmq, {
      ...{ nodes: [at.managementUrl], user: at.user, password: at.password },
      expect: ['safe', 'home'],
    })

  beforeAll(async () => {
    cluster = await startRabbitmqCluster({ tree: await debian13() })
    const [first, , last] = nodes()
    // How often the leader of a queue looks for its members; 5 s if left alone.
    await first.ctl('eval', 'application:set_env(rabbit, quorum_tick_interval, 500).')
    const replicated = { 'x-queue-type': 'quorum', 'x-quorum-initial-group-size': 3 }
    await first.api('PUT', '/api/queues/%2F/safe', { durable: true, arguments: replicated })
    await last.api('PUT', '/api/queues/%2F/home', { durable: true })
  }, 120_000)

  test('a member that maintenance has stopped is missed, though its node runs', async () => {
    const [first, , last] = nodes()
    const watch = watching(first)
    await well(watch)
    await last.ctl('eval', 'rabbit_maintenance:drain().')
    const told = await until('it is missed', async () => {
      const each = await watch.tell('nodes', 'quorum', 'expected-queues')
      return each.step('quorum').outcome === 'problem' && each
    })
    expect(told.summaries('quorum')).toEqual(['safe has 2 of its 3 members'])
    expect(told.summaries('nodes')).toEqual([`node ${last.nodeName} is in maintenance and takes no clients`])
    expect(told.step('expected-queues').outcome).toBe('ok')
    await last.ctl('eval', 'rabbit_maintenance:revive().')
    await well(watch)
  })

  test('what one dead node costs is a warning, what two cost is not to be used any more', async () => {
    const [first, second, last] = nodes()
    const watch = watching(first)
    await last.kill()
    const one = await until('its loss is seen', async () => {
      const each = await watch.tell('nodes', 'quorum', 'expected-queues')
      return Object.values(each.outcomes()).filter((outcome) => outcome === 'problem').length === 3 && each
    })
    expect(one.summaries('quorum')).toEqual(['safe has 2 of its 3 members'])
    expect(one.step('quorum').findings).toMatchObject([
      { severity: 'warning', evidence: { members: 3, online: 2, away: last.nodeName } },
    ])
    expect(one.summaries('expected-queues')).toEqual([
      `the queue home in / is down with its node ${last.nodeName}`,
    ])
    await second.kill()
    const two = await until('the loss of the majority is seen', async () => {
      const each = await watch.tell('nodes', 'quorum')
      return each.step('quorum').findings[0]?.severity === 'critical' && each
    })
    expect(two.summaries('quorum')).toEqual(['safe cannot be used: it has only 1 of its 3 members'])
    expect(two.step('nodes').findings.map(({ severity }) => severity)).toEqual(['critical', 'critical'])
  })

  const well = (watch: Pick<Teller<unknown, unknown>, 'tell'>) =>
    until(
      'all is well',
      async () => {
        const told = await watch.tell('nodes', 'quorum', 'expected-queues')
        return Object.values(told.outcomes()).every((outcome) => outcome === 'ok')
      },
      { deadline: 20_000 },
    )
})
