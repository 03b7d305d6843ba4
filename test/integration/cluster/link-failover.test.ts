import { expect, test } from 'vitest'
import { connectLink, type LinkOptions } from '../../../src/cluster/redis/link.ts'
import { slotOf } from '../../../src/core/redis-slot.ts'
import {
  coordinatorPlan,
  errorOf,
  failUnhandled,
  faultOf,
  script,
  serves,
} from '../../support/cluster/coordinator.ts'
import { describeWith } from '../../support/needs.ts'
import { startRedis } from '../../support/servers/redis.ts'
import { startRedisCluster } from '../../support/servers/redis-cluster.ts'
import { startSentinel } from '../../support/servers/redis-sentinel.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'

const key = '{hz:t}:key'
const options: LinkOptions = { name: 'control', commandTimeout: 400, connectTimeout: 1000, slotKey: key }

failUnhandled()

describeWith(['redis', 'redis-sentinel'], 'a link through sentinels', () => {
  test('follows the master: killed, frozen, and moved on purpose', async () => {
    await using group = await startSentinel({ password: 'data-secret', sentinelPassword: 'sentinel-secret' })
    const [first, second] = group.redises
    const plan = coordinatorPlan(
      group.sentinels.map(({ port }) => port),
      { kind: 'sentinel', master: group.name, password: 'data-secret', sentinelPassword: 'sentinel-secret' },
    )
    const heard: string[] = []
    await using link = connectLink(plan, options)
    await using _hints = link.subscribe('{hz:t}:wake', (message) => heard.push(message))
    const isWritten = async () => (await link.call('SET', key, 1)) === 'OK'
    const runId = async ({ cli }: typeof first) =>
      /run_id:(\w+)/.exec(String(await cli('info', 'server')))?.[1] ?? ''
    await serves(link)
    expect(link.server()).toBe(await runId(first))

    await first.kill()
    await until('it writes to the second', isWritten)
    expect(link.server()).toBe(await runId(second))
    await first.restart()
    await until('the first follows', async () => {
      return String(await first.cli('info', 'replication')).includes('master_link_status:up')
    })

    second.freeze()
    try {
      await until(
        'it writes to the first',
        async () => (await isWritten()) && link.server() === (await runId(first)),
      )
    } finally {
      second.thaw()
    }
    await until('the second follows', async () => {
      return String(await second.cli('info', 'replication')).includes('master_link_status:up')
    })

    // It gives up now and then, and forced once it does not try again by itself.
    await until('the sentinels move it', async () => {
      if ((await group.master()) === second) return true
      await group.sentinels[0]?.cli('sentinel', 'failover', group.name)
      return false
    })
    await until('it writes to the second', async () => {
      return (await isWritten()) && link.server() === (await runId(second))
    })
    await until('hints are heard from the second', async () => {
      await second.cli('publish', '{hz:t}:wake', 'moved')
      return heard.includes('moved')
    })
  }, 60_000)

  test('leaves a master that the sentinels have replaced, though it still answers', async () => {
    await using group = await startSentinel()
    const [first, second] = group.redises
    const sentinels = group.sentinels.map(({ port }) => port)
    await using link = connectLink(
      coordinatorPlan(sentinels, { kind: 'sentinel', master: group.name }),
      options,
    )
    await serves(link)
    const before = link.server()
    // Whoever asks it for its health gets no answer; our connection stays.
    await first.cli('acl', 'setuser', 'default', '-ping', '-replconf')
    for (const { cli } of group.sentinels) await cli('sentinel', 'debug', 'info-period', 60_000)
    await until('it is replaced', async () => (await group.master()) === second)
    await until('the link has left it', () => link.server() !== before)
    await serves(link)
  })

  test('a name that the sentinels do not know, and sentinels that are gone, are told', async () => {
    await using group = await startSentinel()
    const ports = group.sentinels.map(({ port }) => port)
    await using wrong = connectLink(coordinatorPlan(ports, { kind: 'sentinel', master: 'other' }), options)
    await until('it is told', async () =>
      /No such master with that name/.test((await errorOf(wrong.call('PING'))).message),
    )
    await using link = connectLink(coordinatorPlan(ports, { kind: 'sentinel', master: group.name }), options)
    await serves(link)
    await Promise.all(group.sentinels.map((sentinel) => sentinel.kill()))
    await serves(link)
    link.reset()
    await until('it is told', async () => (await faultOf(link.call('PING'))) === 'unreachable')
    await group.sentinels[2]?.restart()
    await serves(link)
  })
})

describeWith(['redis'], 'a link to a cluster', () => {
  test('asks the node that serves its slot, also for commands without a key, wherever the slot goes', async () => {
    await using cluster = await startRedisCluster({ replicas: 1, password: 'data-secret' })
    const slot = slotOf(key)
    const owner = await cluster.ownerOf(slot)
    const [seed] = cluster.nodes.filter((node) => node !== owner)
    const plan = coordinatorPlan([seed?.port ?? 0], { kind: 'cluster', password: 'data-secret' })
    await using link = connectLink(plan, options)
    await serves(link)
    const port = async () => Number(/tcp_port:(\d+)/.exec(String(await link.call('INFO', 'server')))?.[1])
    expect(await port()).toBe(owner.port)
    const write = script("return redis.call('SET', KEYS[1], ARGV[1])")
    await until('its replica has it', async () => {
      return (await link.runReplicated(write, [key], [1], { replicas: 1, wait: 200 })).replicas === 1
    })

    const replica = cluster.nodes[cluster.nodes.indexOf(owner) + 3]
    await until('the replica takes over', () => replica?.cli('cluster', 'failover'))
    await until('it is the master', async () => (await cluster.ownerOf(slot)) === replica)
    await until('it is written to', async () => (await link.call('SET', key, 2)) === 'OK')
    expect(await port()).toBe(replica?.port)

    await until('the old master follows', async () =>
      String(await owner.cli('info', 'replication')).includes('master_link_status:up'),
    )
    await replica?.kill()
    const faults = new Set<string | null>()
    await until('it is written to the first again', async () => {
      faults.add(await faultOf(link.call('SET', key, 3)))
      return faults.has(null)
    })
    expect(await port()).toBe(owner.port)
    expect(faults).toContain('unreachable')
  }, 60_000)

  test('a slot that nobody serves is told, and over when it is served', async () => {
    await using cluster = await startRedisCluster({ args: ['--cluster-require-full-coverage', 'yes'] })
    const owner = await cluster.ownerOf(slotOf(key))
    await using link = connectLink(
      coordinatorPlan(
        cluster.nodes.map(({ port }) => port),
        { kind: 'cluster' },
      ),
      options,
    )
    await serves(link)
    await owner.kill()
    await until('it is told', async () => (await faultOf(link.call('GET', key))) === 'clusterdown')
    await owner.restart()
    await until('it is served', async () => (await link.call('SET', key, 1)) === 'OK')
  }, 60_000)

  test('a slot that has moved is followed within the call', async () => {
    await using cluster = await startRedisCluster()
    const slot = slotOf(key)
    const owner = await cluster.ownerOf(slot)
    const [other] = cluster.nodes.filter((node) => node !== owner)
    await using link = connectLink(coordinatorPlan([owner.port], { kind: 'cluster' }), {
      ...options,
      commandTimeout: 2000,
    })
    await serves(link)
    const id = String(await other?.cli('cluster', 'myid'))
    for (const { cli } of [other ?? owner, owner]) await cli('cluster', 'setslot', slot, 'node', id)
    expect(await link.call('SET', key, 'here')).toBe('OK')
    expect(await other?.cli('get', key)).toBe('here')
  })

  test('a server that is no cluster is told', async () => {
    await using redis = await startRedis()
    await using link = connectLink(coordinatorPlan([redis.port], { kind: 'cluster' }), options)
    await until('it is told', async () =>
      /cluster support disabled/.test((await errorOf(link.call('PING'))).message),
    )
  })

  test('one seed that does not answer keeps nobody waiting', async () => {
    await using cluster = await startRedisCluster()
    await using proxy = await startTcpFaultProxy(cluster.nodes[0]?.port ?? 0)
    await proxy.become('black-hole')
    const ports = [proxy.port, ...cluster.nodes.map(({ port }) => port)]
    const start = performance.now()
    await using link = connectLink(coordinatorPlan(ports, { kind: 'cluster' }), options)
    await serves(link)
    expect(performance.now() - start).toBeLessThan(options.connectTimeout)
  })
})

test('the slot of a key is that of the cluster specification', () => {
  expect(slotOf('123456789')).toBe(12739)
  expect(slotOf('{user1000}.following')).toBe(slotOf('user1000'))
  expect(slotOf('foo{}{bar}')).toBe(slotOf('foo{}{bar}'))
  expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'))
})
