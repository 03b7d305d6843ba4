import { afterAll, beforeAll, expect, test } from 'vitest'
import { check } from '../support/faults/checker.ts'
import { type FaultCluster, startCluster } from '../support/faults/cluster.ts'
import { type Deeds, deedsOn } from '../support/faults/deeds.ts'
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

  /** Some signals go up before a fault and some during it; all is told, and no rule was broken. */
  async function through(act: () => Promise<void>): Promise<void> {
    await until('cures are on', () => cluster.nodes.every((node) => node.mode() === 'member'))
    for (const entry of ['a', 'led', 'd']) cluster.world.raise(entry, { mends: entry === 'd' })
    const ended = act()
    for (const entry of ['b', 'led', 'e']) cluster.world.raise(entry, { mends: entry === 'e' })
    await ended
    await cluster.settled()
    cluster.world.lowerTold()
    await cluster.settled()
    expect(check(cluster.history())).toEqual([])
  }

  /** The epoch of each node's session. */
  function sessions(): Readonly<Record<string, number>> {
    const own = cluster.spells().filter(({ seat }) => seat === 'node')
    return Object.fromEntries(own.map(({ life, epoch }) => [life.node, epoch]))
  }

  test('frozen for a moment: nothing changes', async () => {
    const before = cluster.reigns().length
    await through(() => deeds.freezeRedis(cluster.timing.valid / 3))
    expect(cluster.reigns()).toHaveLength(before)
  })

  test('frozen for long: nobody is taken for dead when it wakes', async () => {
    const before = sessions()
    await through(() => deeds.freezeRedis(2 * cluster.timing.lease))
    expect(sessions()).toEqual(before)
  })

  test('clients paused: as if it were frozen', async () => {
    await through(() => deeds.pauseClients(cluster.timing.lease * 1.5))
  })

  test('out of memory: the leader goes on to lead', async () => {
    const before = cluster.reigns().length
    await through(() => deeds.fillMemory(cluster.timing.lease))
    expect(cluster.reigns()).toHaveLength(before)
  })

  test('read-only for a while', async () => {
    const at = Date.now()
    await through(() => deeds.makeReadOnly(cluster.timing.lease * 1.5))
    expect((await cluster.nextLeader(at)).from).toBeGreaterThan(at)
  })

  test.for([
    ['emptied (FLUSHALL)', () => deeds.flush()],
    ['killed, and back without its data', () => deeds.killRedis(0)],
  ] as const)('%s: the next leader comes after a quarantine, with a higher epoch', async ([, act]) => {
    const at = Date.now()
    await through(async () => {
      await act()
      const gap = (await cluster.nextLeader(at)).from - at
      expect(gap).toBeGreaterThan(cluster.timing.lease - cluster.timing.beat)
      expect(gap).toBeLessThan(2 * cluster.timing.lease + 1000)
    })
  })
})
