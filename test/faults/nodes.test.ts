import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultCluster, startCluster } from '../support/faults/cluster.ts'
import { type Deeds, deedsOn } from '../support/faults/deeds.ts'
import type { FaultNode } from '../support/faults/node.ts'
import { through } from '../support/faults/through.ts'
import { describeWith } from '../support/needs.ts'
import { type Redis, startRedis } from '../support/servers/redis.ts'
import { until } from '../support/servers/until.ts'

describeWith(['redis'], 'a cluster whose nodes fail, or their ways to Redis', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let cluster: FaultCluster
  let deeds: Deeds

  beforeAll(async () => {
    redis = stack.use(await startRedis())
    cluster = stack.use(await startCluster({ redis }))
    deeds = deedsOn(cluster, redis)
  })
  afterAll(() => stack.disposeAsync())

  /** A fault of who leads now; more signals go up after it. */
  async function faultOfLeader(act: (leader: FaultNode) => Promise<void>): Promise<void> {
    const leader = cluster.leader()
    if (leader === null) throw new Error('nobody leads')
    await through(cluster, async (raiseMore) => {
      await act(leader)
      raiseMore()
    })
  }

  test('kill -9 of the leader: another leads within a lease and half a second', async () => {
    await faultOfLeader(async (leader) => {
      const at = Date.now()
      await cluster.during('kill', leader, () => leader.kill())
      const next = await cluster.nextLeader(at)
      expect(next.life.node).not.toBe(leader.name)
      expect(next.from - at).toBeLessThan(cluster.timing.lease + 500)
      await leader.start()
    })
  })

  test('a leader killed and started again at once need not be waited for', async () => {
    await faultOfLeader(async (leader) => {
      const at = Date.now()
      await deeds.kill(leader, 0)
      expect((await cluster.nextLeader(at)).from - at).toBeLessThan(cluster.timing.lease + 500)
    })
  })

  test('a leader stopped for longer than its lease: another leads, and the woken one does nothing', async () => {
    await faultOfLeader(async (leader) => {
      const at = Date.now()
      const resume = cluster.begin('pause', leader)
      leader.pause()
      const next = await cluster.nextLeader(at)
      expect(next.from - at).toBeLessThan(cluster.timing.lease + 500)
      for (const entry of ['a', 'b', 'c', 'led', `own@${leader.name}`])
        cluster.world.raise(entry, { mends: true })
      await sleep(cluster.timing.lease / 2)
      const woken = leader.resume()
      resume()
      await until('it knows', () =>
        leader
          .log()
          .some(({ msg, time }) => msg === 'this node leads no more' && Date.parse(String(time)) >= woken),
      )
    })
  })

  test('a leader stopped for a moment goes on to lead', async () => {
    await faultOfLeader(async (leader) => {
      const before = cluster.reigns().length
      await deeds.pause(leader, cluster.timing.valid / 3)
      await sleep(cluster.timing.lease)
      expect(cluster.reigns()).toHaveLength(before)
    })
  })

  test.for(['black-hole', 'no-answers', 'no-requests', 'refuse'] as const)(
    'a leader cut off from Redis (%s): it stops first, then another leads, and nobody tells a loss of Redis',
    async (mode) => {
      await faultOfLeader(async (leader) => {
        const at = Date.now()
        const end = cluster.begin(mode, leader)
        await leader.proxy?.become(mode)
        const next = await cluster.nextLeader(at)
        expect(next.life.node).not.toBe(leader.name)
        expect(next.from - at).toBeLessThan(cluster.timing.lease + 1000)
        await leader.proxy?.become('pass')
        end()
      })
      const told = cluster.world.deliveries.flatMap(({ alarms }) => alarms)
      expect(told.filter(({ step, key }) => step === 'coordination' && key === '')).toEqual([])
    },
  )

  test('a rolling restart: the leadership is handed over, never dropped', async () => {
    await faultOfLeader(async () => {
      const before = cluster.reigns().length
      for (const node of cluster.nodes) {
        await deeds.restart(node)
        await until(`${node.name} takes part`, () => {
          const last = node.lives().at(-1)
          return cluster
            .spells()
            .some(({ life, seat }) => life.pid === last?.pid && seat.startsWith('shard:'))
        })
      }
      const reigns = cluster.reigns().slice(before - 1)
      expect(reigns.length - 1).toBeLessThanOrEqual(cluster.nodes.length)
      const gaps = reigns.slice(1).map((one, index) => one.from - (reigns[index]?.to ?? 0))
      expect(Math.max(0, ...gaps)).toBeLessThan(1000)
    })
  })
})
