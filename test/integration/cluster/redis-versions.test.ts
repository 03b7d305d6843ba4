import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { preflight } from '../../../src/cluster/preflight/preflight.ts'
import { connectLink } from '../../../src/cluster/redis/link.ts'
import { guardFor, prefixOf } from '../../../src/cluster/scripts/scripts.ts'
import type { CoordinatorPlan } from '../../../src/core/cluster.ts'
import { Fenced } from '../../../src/core/store.ts'
import { render } from '../../../src/core/text.ts'
import { redisStore } from '../../../src/store/redis.ts'
import { coordinatorPlan, faultOf, script } from '../../support/cluster/coordinator.ts'
import { type Actor, openCluster, type ScriptedCluster } from '../../support/cluster/scripted-cluster.ts'
import { fastTiming } from '../../support/cluster/timing.ts'
import { describeWith } from '../../support/needs.ts'
import { debian13, otherDebians } from '../../support/servers/debian-tree.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { commitOf } from '../../support/store/owed.ts'

describeWith(['redis', otherDebians], 'coordinating Redis servers of other versions', () => {
  describe.each([
    { name: 'Valkey 8.1', command: 'valkey-server' },
    { name: 'Redis 8.0', command: 'redis-server' },
  ])('$name', ({ command }) => {
    let redis: Redis
    const start = async (...args: readonly string[]) =>
      startRedis({ other: { tree: await debian13(), command }, args })
    beforeAll(async () => {
      redis = await start()
    })
    afterAll(() => redis?.[Symbol.asyncDispose]())

    test('a node joins, leads and writes, and writes no more once another one leads', async () => {
      await using cluster = await openCluster(redis)
      const [a, b] = await cluster.active('a', 'b')
      if (a === undefined || b === undefined) throw new Error('nobody joined')
      const old = await leading(cluster, a)
      await old.store.commit(old.fence, commitOf([]))
      expect(await b.claim('leader')).toMatchObject({
        ...{ type: 'claimed', granted: [], refused: [{ seat: 'leader', holder: 'a@1' }] },
      })
      await cluster.live(2 * fastTiming.lease, b)
      const now = await leading(cluster, b)
      expect(now.fence.epoch).toBeGreaterThan(old.fence.epoch)
      await expect(old.store.commit(old.fence, commitOf([]))).rejects.toThrow(Fenced)
      await now.store.commit(now.fence, commitOf([]))
      expect(await now.store.entries()).toMatchObject([{ name: 'cache' }])
    })

    test('a right that a script lacks is told as such, with its name', async () => {
      const key = '{hz:main}:key'
      await redis.cli('acl', 'setuser', 'few', 'on', '>pw', '+@all', '~*', '&*', '-rpush')
      const plan = coordinatorPlan([redis.port], { user: 'few', password: 'pw' })
      const timeouts = { commandTimeout: 5000, connectTimeout: 5000 }
      await using link = connectLink(plan, { name: 'control', slotKey: key, ...timeouts })
      const push = script(`return redis.call('RPUSH', KEYS[1], 1)`)
      expect(await faultOf(link.run(push, [key], []))).toBe('noperm')
      expect(await faultsOf(plan)).toEqual([`the user few lacks rights on 127.0.0.1:${redis.port}: +rpush`])
      await redis.cli('acl', 'setuser', 'few', '+rpush', 'resetkeys', 'resetchannels')
      expect(await faultsOf(plan)).toEqual([
        `the user few lacks rights on 127.0.0.1:${redis.port}: &{hz:main}:*, ~{hz:main}:*`,
      ])
    })

    test('a node of a Redis Cluster is not taken for a single server', async () => {
      await using node = await start('--cluster-enabled', 'yes')
      expect(await faultsOf(coordinatorPlan([node.port]))).toEqual([
        `127.0.0.1:${node.port} is a node of a Redis Cluster`,
      ])
    })
  })
})

/** The store of a node that was given the leadership. */
async function leading(cluster: ScriptedCluster, { key, claim, last }: Actor) {
  const reply = await claim('leader')
  const granted = reply.type === 'claimed' ? reply.granted[0] : undefined
  if (granted === undefined) throw new Error(`${key} does not lead: ${JSON.stringify(reply)}`)
  const fence = { seat: 'leader', epoch: granted.epoch } as const
  const { session, generation } = last()
  const guard = guardFor(cluster.name, () => ({ key, session, generation, server: cluster.server() }))
  const prefix = prefixOf(cluster.name)
  return { fence, store: redisStore(cluster.link, { prefix, guard, fence: () => fence }) }
}

/** What a look before the start finds wrong. */
async function faultsOf(redis: CoordinatorPlan): Promise<readonly string[]> {
  const { faults } = await preflight({ name: 'main', redis, minReplicas: 0 })
  return faults.map(({ summary }) => render(summary))
}
