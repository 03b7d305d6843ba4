import { expect, test } from 'vitest'
import { check } from '../support/faults/checker.ts'
import { startCluster } from '../support/faults/cluster.ts'
import { describeWith } from '../support/needs.ts'
import { startRedis } from '../support/servers/redis.ts'
import { until } from '../support/servers/until.ts'

describeWith(['redis'], 'a Redis that fell apart into two masters', () => {
  test('with minReplicas nobody leads on either side, and one leads when it is whole again', {
    timeout: 90_000,
  }, async () => {
    await using master = await startRedis()
    await using other = await startRedis()
    await other.cli('replicaof', '127.0.0.1', master.port)
    const hasReplica = async () => String(await master.cli('info', 'replication')).includes('state=online')
    await until('the replica follows', hasReplica, { deadline: 20_000 })
    await using cluster = await startCluster({ redis: master, minReplicas: 1 })

    const before = cluster.leader()
    const heal = cluster.begin('two masters')
    await other.cli('replicaof', 'no', 'one')
    for (const node of cluster.nodes) if (node !== before) node.proxy?.leadTo(other.port)
    const modes = () => cluster.nodes.map((node) => node.mode())
    await until('all have lost the coordinator', () => modes().every((mode) => mode === 'degraded'), {
      deadline: 20_000,
    })
    cluster.world.raise('a')
    await until('people are told all the same', () => cluster.world.untold().length === 0)
    expect(cluster.leader()).toBeNull()

    await master.cli('replicaof', '127.0.0.1', other.port)
    for (const node of cluster.nodes) node.proxy?.leadTo(other.port)
    heal()
    const { epoch } = await cluster.nextLeader(Date.now() - 500, 30_000)
    expect(epoch).toBeGreaterThan(
      Math.max(
        0,
        ...cluster
          .reigns()
          .slice(0, -1)
          .map((one) => one.epoch),
      ),
    )
    await cluster.settled()
    expect(check(cluster.history())).toEqual([])
  })
})
