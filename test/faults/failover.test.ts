import { expect, test } from 'vitest'
import { slotOf } from '../../src/core/redis-slot.ts'
import { check } from '../support/faults/checker.ts'
import { type FaultCluster, startCluster } from '../support/faults/cluster.ts'
import { describeWith } from '../support/needs.ts'
import type { Redis } from '../support/servers/redis.ts'
import { startRedisCluster } from '../support/servers/redis-cluster.ts'
import { startSentinel } from '../support/servers/redis-sentinel.ts'
import { until } from '../support/servers/until.ts'

/** The master is killed while signals go up; what was written before is known afterwards, and no rule was broken. */
async function failOver(cluster: FaultCluster, master: Redis): Promise<void> {
  const { world, timing } = cluster
  for (const entry of ['a', 'led', 'd']) world.raise(entry, { mends: entry === 'd' })
  await cluster.settled()
  const at = Date.now()
  const end = cluster.begin('failover')
  await master.kill()
  for (const entry of ['b', 'led', 'e']) world.raise(entry, { mends: entry === 'e' })
  await cluster.nextLeader(at, 20_000)
  end()
  await cluster.settled()
  expect(Date.now() - at).toBeLessThan(20_000)
  world.lowerTold()
  await cluster.settled()
  const epochs = cluster.reigns().map(({ epoch }) => epoch)
  expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
  expect(cluster.reigns().at(-1)?.from).toBeGreaterThan(at + timing.lease / 2)
  expect(check(cluster.history())).toEqual([])
}

describeWith(['redis', 'redis-sentinel'], 'a master that fails behind sentinels', () => {
  test('the cluster goes on with its replica', { timeout: 90_000 }, async () => {
    await using group = await startSentinel()
    const servers = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
    await using cluster = await startCluster({ redis: `redis+sentinel://${servers}/${group.name}` })
    await failOver(cluster, group.redises[0])
  })
})

describeWith(['redis'], 'a master of a Redis Cluster that fails', () => {
  test('the cluster goes on with its replica', { timeout: 90_000 }, async () => {
    await using group = await startRedisCluster({ replicas: 1 })
    const servers = group.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
    await using cluster = await startCluster({ redis: `redis+cluster://${servers}` })
    const master = await group.ownerOf(slotOf('{hz:faults}'))
    await until('its replica has what it has', async () => {
      return String(await master.cli('info', 'replication')).includes('state=online')
    })
    await failOver(cluster, master)
  })
})
