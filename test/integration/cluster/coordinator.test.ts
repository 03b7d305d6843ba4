import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Beat, Request } from '../../../src/cluster/protocol.ts'
import { connectLink } from '../../../src/cluster/redis/link.ts'
import {
  createCoordinator,
  hintChannel,
  readRecords,
  reportIsolated,
} from '../../../src/cluster/scripts/scripts.ts'
import type { Vitals } from '../../../src/core/cluster.ts'
import { coordinatorPlan } from '../../support/cluster/coordinator.ts'
import { openTestLink, type TestLink } from '../../support/cluster/redis-link.ts'
import { memberInfo } from '../../support/cluster/requests.ts'
import { type Actor, openCluster } from '../../support/cluster/scripted-cluster.ts'
import { fastTiming } from '../../support/cluster/timing.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'

const { lease } = fastTiming
const joining: Request = { type: 'join', key: 'a@1', info: JSON.stringify(memberInfo('a')), floor: 0 }

let redis: Redis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis?.[Symbol.asyncDispose]())

describeWith(['redis'], 'the coordinator', () => {
  test('goes by the clock of the server', async () => {
    const { coordinator } = await openCoordinator('clock')
    await using _ = coordinator
    const before = Date.now()
    const first = await coordinator.call(joining, 20_000)
    if (first.type !== 'joined') throw new Error(JSON.stringify(first))
    expect(first.wall).toBeGreaterThanOrEqual(before)
    expect(first.session, 'an epoch is a wall time, so that it rises whatever is lost').toBe(first.wall)
    const later = await until('its lease clock has moved', async () => {
      const reply = await coordinator.call(tickAfter(first), 20_000)
      return reply.type === 'ticked' && reply.clock > first.clock && reply
    })
    expect(later.clock - first.clock).toBeLessThanOrEqual(later.wall - first.wall)
  })

  test('keeps leaders in office where memory is full', async () => {
    const { coordinator, link } = await openCoordinator('full')
    await using _ = coordinator
    const first = await coordinator.call(joining, 20_000)
    await link.call('CONFIG', 'SET', 'maxmemory', '100kb')
    try {
      await expect(link.call('SET', 'something', 'else')).rejects.toMatchObject({ fault: 'oom' })
      const tick = { ...tickAfter(first as Beat), vitals: '{"at":1}' }
      expect(await coordinator.call(tick, 20_000)).toMatchObject({ type: 'ticked' })
      expect(await readRecords(link, 'full')).toMatchObject({ members: [{ name: 'a' }] })
      await reportIsolated(link, 'full', { name: 'b', fault: 'unreachable' })
    } finally {
      await link.call('CONFIG', 'SET', 'maxmemory', '0')
    }
  })

  test('ends a call at its deadline, and drops the connection: the outcome is unknown', async () => {
    const { coordinator, link } = await openCoordinator('slow')
    await using _ = coordinator
    redis.freeze()
    try {
      await expect(coordinator.call(joining, 100)).rejects.toMatchObject({ fault: 'slow' })
      expect(link.resets()).toBe(1)
    } finally {
      redis.thaw()
    }
    expect(await coordinator.call(joining, 20_000)).toMatchObject({ type: 'joined' })
  })

  test('says what else goes wrong as an error of its own, and does not hide it', async () => {
    const { coordinator, link } = await openCoordinator('broken')
    await using _ = coordinator
    await link.call('SET', '{hz:broken}:ctl', 'not a hash')
    await expect(coordinator.call(joining, 20_000)).rejects.toMatchObject({
      ...{ name: 'CoordinatorLost', fault: 'other', message: expect.stringContaining('WRONGTYPE') },
    })
  })

  test('runs where scripts have no flags, and asks only once', async () => {
    const sent: string[] = []
    const link = await openTestLink(redis)
    const old: TestLink = {
      ...link,
      run: async (script, keys, args) => {
        sent.push(script.lua.slice(0, 2))
        if (!script.lua.startsWith('#!')) return link.run(script, keys, args)
        // The words of Redis 6.
        throw new Error(
          "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
        )
      },
    }
    const options = { cluster: 'old', timing: fastTiming, server: () => link.runId }
    await using coordinator = createCoordinator(old, options)
    const first = await coordinator.call(joining, 20_000)
    expect(await coordinator.call(tickAfter(first as Beat), 20_000)).toMatchObject({ type: 'ticked' })
    expect(sent).toEqual(['#!', '--', '--'])
  })

  test('takes no seat from a server that it did not know when it asked', async () => {
    const link = await openTestLink(redis)
    await link.call('FLUSHALL')
    let server = 'before'
    const changing: TestLink = {
      ...link,
      run: (script, keys, args) => {
        if (script.lua.includes('the seats that nobody')) server = 'after'
        return link.run(script, keys, args)
      },
    }
    const options = { cluster: 'failover', timing: fastTiming, server: () => server }
    await using coordinator = createCoordinator(changing, options)
    const { session } = (await coordinator.call(joining, 20_000)) as Beat
    const claim = { type: 'claim', key: 'a@1', session, floor: 0, seats: ['leader'] } as const
    await expect(coordinator.call(claim, 20_000)).rejects.toMatchObject({ fault: 'unreachable' })
    expect(await coordinator.call(claim, 20_000)).toMatchObject({ type: 'refused', why: 'quarantine' })
  })

  test('keeps all it has in one slot of a Redis Cluster', async () => {
    await using clustered = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    await clustered.cli('cluster', 'addslots', ...Array.from({ length: 16_384 }, (_, slot) => slot))
    await using link = connectLink(coordinatorPlan([clustered.port], { kind: 'cluster' }), {
      ...{ name: 'control', commandTimeout: 5000, connectTimeout: 5000, slotKey: '{hz:slots}:ctl' },
    })
    const timing = { ...fastTiming, settle: 0, batch: 1 }
    const options = { cluster: 'slots', timing, server: () => link.server() }
    const coordinator = createCoordinator(link, options)
    let last = await until('it has joined', async () => (await coordinator.call(joining, 5000)) as Beat)
    await until('the quarantine is over', async () => {
      const reply = await coordinator.call(tickAfter(last), 5000)
      if (reply.type !== 'ticked') last = (await coordinator.call(joining, 5000)) as Beat
      else last = { ...last, clock: reply.clock, quarantine: reply.quarantine }
      return last.quarantine === 0
    })
    const { session } = last
    const claim = { type: 'claim', key: 'a@1', session, floor: 0, seats: ['leader', 'shard:1'] } as const
    expect(await coordinator.call(claim, 5000)).toMatchObject({ type: 'claimed', refused: [] })
    await coordinator.call({ type: 'release', key: 'a@1', session, seats: ['leader'], upTo: 0 }, 5000)
    await coordinator.call({ type: 'retire', key: 'a@1', session }, 5000)
    await reportIsolated(link, 'slots', { name: 'b', fault: 'slow' })
    expect(await readRecords(link, 'slots')).toMatchObject({
      isolated: [{ name: 'b' }],
      changes: [{ name: 'a' }],
    })
    await coordinator.call({ type: 'leave', key: 'a@1', session }, 5000)
    expect((await readRecords(link, 'slots')).members).toEqual([])
  })

  test('counts a heartbeat only where replicas have it', async () => {
    const { coordinator, link } = await openCoordinator('replicated', 1)
    await using _ = coordinator
    await expect(coordinator.call(joining, 1000)).rejects.toMatchObject({ fault: 'noreplicas' })
    expect(link.resets(), 'the connection is well').toBe(0)
    await using replica = await startRedis({ replicaOf: redis })
    const joined = await until('the replica takes what is written', () => coordinator.call(joining, 5000))
    await expect(coordinator.call(tickAfter(joined as Beat), 5000)).resolves.toMatchObject({ type: 'ticked' })
    replica.freeze()
    try {
      await expect(coordinator.call(tickAfter(joined as Beat), 1000)).rejects.toMatchObject({
        fault: 'noreplicas',
      })
    } finally {
      replica.thaw()
    }
  })

  test('lets others know when members, seats or the leader change', async () => {
    await using cluster = await openCluster(redis)
    const hints: string[] = []
    const subscriber = new Client({ host: '127.0.0.1', port: redis.port, disableClientInfo: true })
    try {
      await subscriber.subscribe(hintChannel(cluster.name))
      subscriber.on('message', (_channel, hint) => hints.push(hint))
      const heard = async (hint: string) => {
        await until(`the hint '${hint}' has come`, () => hints.includes(hint))
        hints.length = 0
      }
      const [a] = await cluster.active('a')
      await heard('members')
      await a?.claim('leader')
      await heard('leader')
      await a?.release('leader')
      await heard('released')
      await a?.claim('leader')
      await heard('leader')
      cluster.jump(200)
      await a?.tick({ spent: Number.MAX_SAFE_INTEGER })
      await heard('vacant')
    } finally {
      subscriber.disconnect()
    }
  })

  test('needs no leave to publish', async () => {
    await using cluster = await openCluster(redis)
    await redis.cli('ACL', 'SETUSER', 'default', 'resetchannels')
    try {
      const [a] = await cluster.active('a')
      expect(await a?.claim('leader')).toMatchObject({ granted: [{ seat: 'leader' }] })
    } finally {
      await redis.cli('ACL', 'SETUSER', 'default', 'allchannels')
    }
  })
})

describeWith(['redis'], 'the records of a cluster', () => {
  test('are empty where there is none, and reading them begins none', async () => {
    await using cluster = await openCluster(redis)
    expect(await readRecords(cluster.link, cluster.name)).toMatchObject({
      members: [],
      leader: null,
      quarantine: 0,
    })
    expect(await cluster.link.call('DBSIZE')).toBe(0)
  })

  test('hold what members say, who holds what, who led and who vanished', async () => {
    await using cluster = await openCluster(redis)
    const [a, b, c, d] = await cluster.active('a', 'b', 'c', 'd')
    await b?.claim('shard:2')
    const first = await b?.claim('leader')
    await b?.release('leader')
    const second = await a?.claim('leader', 'shard:1')
    await a?.tick({ vitals })
    await d?.retire()
    const changesAt = cluster.wall()
    await cluster.live(1000, a as Actor)
    expect((await readRecords(cluster.link, cluster.name)).owners).toEqual({
      ...{ leader: 'a', 'shard:1': 'a', 'shard:2': 'b' },
    })
    await cluster.live(1000, a as Actor)
    const lostAt = cluster.wall()
    cluster.jump(100)
    const records = await readRecords(cluster.link, cluster.name)
    expect(records).toEqual({
      members: [{ ...memberInfo('a'), key: 'a@1', state: 'active', beatAge: 100, vitals }],
      leader: { name: 'a', epoch: epochIn(second) },
      lost: [
        { name: 'b', at: lostAt, host: 'host of b' },
        { name: 'c', at: lostAt, host: 'host of c' },
      ],
      owners: { leader: 'a', 'shard:1': 'a' },
      changes: [
        { at: changesAt, name: 'b', epoch: epochIn(first) },
        { at: changesAt, name: 'a', epoch: epochIn(second) },
      ],
      isolated: [],
      quarantine: 0,
    })
    expect(c?.last().leader?.name).not.toBe('c')
  })

  test('forget who vanished long ago, and who is back', async () => {
    await using cluster = await openCluster(redis)
    const [a] = await cluster.active('a', 'b', 'c')
    await cluster.live(lease, a as Actor)
    const lost = async (forgetAfter?: number) =>
      (await readRecords(cluster.link, cluster.name, forgetAfter)).lost.map(({ name }) => name).sort()
    expect(await lost()).toEqual(['b', 'c'])
    await cluster.join('b', 2)
    expect(await lost()).toEqual(['c'])
    cluster.jump(1001)
    expect(await lost(1000)).toEqual([])
    expect(await lost()).toEqual([])
  })

  test('hold reports of isolated nodes for a minute', async () => {
    await using cluster = await openCluster(redis)
    await cluster.join('a')
    const at = cluster.wall()
    await reportIsolated(cluster.link, cluster.name, { name: 'b|c', fault: 'auth' })
    const isolated = async () => (await readRecords(cluster.link, cluster.name)).isolated
    cluster.jump(60_000)
    expect(await isolated()).toEqual([{ name: 'b|c', at, fault: 'auth' }])
    cluster.jump(1)
    expect(await isolated()).toEqual([])
  })

  test('keep the last 20 changes of the leader', async () => {
    await using cluster = await openCluster(redis)
    const [a] = await cluster.active('a')
    let last: unknown
    for (let i = 0; i < 25; i++) {
      last = await a?.claim('leader')
      await a?.release('leader')
    }
    const { changes } = await readRecords(cluster.link, cluster.name)
    expect(changes).toHaveLength(20)
    expect(changes.at(-1)?.epoch).toBe(epochIn(last))
  })

  test('of a member of another version do not keep the others from reading', async () => {
    await using cluster = await openCluster(redis)
    const a = await cluster.join('a')
    await cluster.ask({ type: 'join', key: 'z@1', info: '{"name":"z","roles":7,"news":[]}', floor: 0 })
    await cluster.link.call('HSET', `{hz:${cluster.name}}:vit`, 'z@1', '{"at":"noon"}')
    await a.tick()
    const z = { name: 'z', key: 'z@1', roles: [], address: null }
    expect(a.last().members).toMatchObject([{ name: 'a' }, z])
    expect((await readRecords(cluster.link, cluster.name)).members).toMatchObject([
      { name: 'a' },
      { ...z, vitals: null },
    ])
  })
})

const vitals: Vitals = {
  ...{ at: 1, clockOffset: -2.5, roundTrip: 3, interval: 4, loopLag: 5, uptime: 6, rounds: 7, overruns: 8 },
}

/** On the clock of the server. */
async function openCoordinator(cluster: string, minReplicas = 0) {
  const link = await openTestLink(redis)
  await link.call('FLUSHALL')
  const options = { cluster, timing: fastTiming, server: () => link.runId, minReplicas }
  return { link, coordinator: createCoordinator(link, options) }
}

function tickAfter({ session, generation, version }: Beat) {
  const said = { spent: 0, vitals: '', info: '' }
  return { type: 'tick', key: 'a@1', session, generation, floor: 0, version, ...said } as const
}

function epochIn(reply: unknown): number | undefined {
  return (reply as { granted?: readonly { epoch: number }[] }).granted?.[0]?.epoch
}
