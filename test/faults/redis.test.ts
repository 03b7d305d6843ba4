import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultCluster, startCluster } from '../support/faults/cluster.ts'
import { type Deeds, deedsOn } from '../support/faults/deeds.ts'
import { through } from '../support/faults/through.ts'
import { describeWith } from '../support/needs.ts'
import { type Redis, startRedis } from '../support/servers/redis.ts'
import { until } from '../support/servers/until.ts'

describeWith(['redis'], 'a cluster whose Redis fails', () => {
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

  /** A fault of Redis, while more signals go up. */
  async function faultOfRedis(act: () => Promise<void>): Promise<void> {
    await until('cures are on', () => cluster.nodes.every((node) => node.mode() === 'member'))
    await through(cluster, async (raiseMore) => {
      const ended = act()
      raiseMore()
      await ended
    })
  }

  /** The epoch of each node's session. */
  function sessions(): Readonly<Record<string, number>> {
    const own = cluster.spells().filter(({ seat }) => seat === 'node')
    return Object.fromEntries(own.map(({ life, epoch }) => [life.node, epoch]))
  }

  test('frozen for a moment: nothing changes', async () => {
    const before = cluster.reigns().length
    await faultOfRedis(() => deeds.freezeRedis(cluster.timing.valid / 3))
    expect(cluster.reigns()).toHaveLength(before)
  })

  test('frozen for long: nobody is taken for dead when it wakes', async () => {
    const before = sessions()
    await faultOfRedis(() => deeds.freezeRedis(2 * cluster.timing.lease))
    expect(sessions()).toEqual(before)
  })

  test('clients paused: as if it were frozen', async () => {
    await faultOfRedis(() => deeds.pauseClients(cluster.timing.lease * 1.5))
  })

  test('out of memory: the leader goes on to lead', async () => {
    const before = cluster.reigns().length
    await faultOfRedis(() => deeds.fillMemory(cluster.timing.lease))
    expect(cluster.reigns()).toHaveLength(before)
  })

  test('read-only for a while', async () => {
    const at = Date.now()
    await faultOfRedis(() => deeds.makeReadOnly(cluster.timing.lease * 1.5))
    expect((await cluster.nextLeader(at)).from).toBeGreaterThan(at)
  })

  test.for([
    ['emptied (FLUSHALL)', () => deeds.flush()],
    ['killed, and back without its data', () => deeds.killRedis(0)],
  ] as const)('%s: the next leader comes after a quarantine, with a higher epoch', async ([, act]) => {
    const at = Date.now()
    await faultOfRedis(async () => {
      await act()
      const gap = (await cluster.nextLeader(at)).from - at
      expect(gap).toBeGreaterThan(cluster.timing.lease - cluster.timing.beat)
      expect(gap).toBeLessThan(2 * cluster.timing.lease + 1000)
    })
  })
})
