import { afterAll, beforeAll, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import redisStory from '../../../stories/redis/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/servers/redis-cluster.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

/** A server that is started again has forgotten it. */
async function allow({ cli }: Pick<Redis, 'cli'>): Promise<void> {
  for (const part of ['on each server', 'mode: cluster', 'for "keys"'])
    for (const command of rightsOf(redisStory.guide, marker, part)) await cli(...wordsOf(command))
  await cli('acl', 'setuser', 'healthz', '~jobs*')
}

describeWith(['redis'], 'redis: a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 1 })
    for (const node of cluster.nodes) await allow(node)
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const nodeAt = (index: number) => {
    const node = cluster.nodes[index]
    if (node === undefined) throw new Error(`no node ${index}`)
    return node
  }
  const at = (more: object = {}) => ({
    ...{ mode: 'cluster', url: nodeAt(0).url, user: 'healthz', password: marker },
    ...more,
  })
  const atOnce = { replication: { grace: '0s', linkDown: '0s' } }

  test('it is told of as a whole, with the documented rights and no more', async () => {
    const told = await teller(redisStory, at({ expectReplicas: 1 }), atOnce).tell()
    expect(told.step('cluster').findings).toEqual([])
    expect(Object.values(told.steps).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    const notes = JSON.stringify(told.step('replication').notes)
    for (const { port } of cluster.nodes) expect(notes).toContain(`127.0.0.1:${port}`)
    for (const step of ['connect', 'memory', 'evictions', 'clients', 'persistence'])
      expect(told.step(step).notes).toHaveLength(cluster.nodes.length)
  })

  test('a user without the right is told which one, a server that is no cluster is unknown', async () => {
    await nodeAt(0).cli('acl', 'setuser', 'poor', 'on', `>${marker}`, '-@all', '+ping', '+info')
    const poor = await teller(redisStory, at({ user: 'poor' })).tell('cluster')
    expect(poor.step('cluster').outcome).toBe('unknown')
    expect(poor.reason('cluster')).toMatch(/the user poor lacks the right \+cluster\|(info|nodes)/)
    await using alone = await startRedis()
    const told = await teller(redisStory, { mode: 'cluster', url: alone.url }).tell('cluster')
    expect(told.reason('cluster')).toBe(
      `127.0.0.1:${alone.port} is no part of a cluster: cluster-enabled is no`,
    )
  })

  test('it is reached by any of its nodes, and keys are asked where they are', async () => {
    const dead = await freePort()
    const url = `redis://127.0.0.1:${dead}`
    const keys = ['jobs1', 'jobs2', 'jobs3', 'jobs4'].map((key) => ({ key, max: 1 }))
    for (const { key } of keys) {
      for (const node of cluster.nodes.slice(0, 3)) await node.cli('rpush', key, 'a', 'b').catch(() => null)
    }
    const told = await teller(redisStory, at({ url, replicas: [nodeAt(1).url], keys })).tell()
    expect(told.step('connect').outcome).toBe('ok')
    expect(told.step('key-length').findings.map(({ key }) => key)).toEqual(keys.map(({ key }) => key))
    // The one that was configured and is not there is nobody that the cluster misses.
    expect(told.reason('cluster')).toBe(
      `the cluster hears nodes that cannot be reached from here: nothing listens on 127.0.0.1:${dead}`,
    )
    const gone = await teller(redisStory, at({ url })).tell()
    expect(gone.summaries('connect')).toEqual([`nothing listens on 127.0.0.1:${dead}`])
  })

  test('slots that stay on their way are told', async () => {
    const [from, to] = [nodeAt(0), nodeAt(1)]
    await from.cli('cluster', 'setslot', 42, 'migrating', String(await to.cli('cluster', 'myid')))
    const watch = teller(redisStory, at())
    expect((await watch.tell('cluster')).step('cluster').outcome).toBe('ok')
    const sample = watch.samples['cluster']
    const [slot = ''] = Object.keys(sample?.value as object)
    const since = Date.now() - 601_000
    watch.samples = { cluster: { at: since, value: { [slot]: since } } }
    expect((await watch.tell('cluster')).summaries('cluster')).toEqual([
      expect.stringMatching(
        /^1 slot on the way from one master to another for more than 10 min: 127\.0\.0\.1:\d+ 42 to \w{40}$/,
      ),
    ])
    await from.cli('cluster', 'setslot', 42, 'stable')
    expect((await watch.tell('cluster')).step('cluster').outcome).toBe('ok')
  })

  test('a replica and then its master that fail are told, the one as poor, the other as lost slots', async () => {
    const watch = teller(redisStory, at({ url: nodeAt(1).url }))
    await nodeAt(3).kill()
    const poor = await until('the replica is missed', async () => {
      const told = await watch.tell('cluster')
      const found = told.step('cluster').findings.map(({ key, severity }) => `${severity} ${key}`)
      const replica = `warning node 127.0.0.1:${nodeAt(3).port}`
      return found.join() === `${replica},warning replicas 127.0.0.1:${nodeAt(0).port}` && told
    })
    expect(poor.summaries('cluster')[1]).toBe(`the master 127.0.0.1:${nodeAt(0).port} has 0 of 1 replicas`)

    await nodeAt(0).kill()
    const down = await until('the master is missed', async () => {
      const told = await watch.tell()
      return told.step('cluster').findings.some(({ severity }) => severity === 'critical') && told
    })
    expect(down.step('connect').outcome).toBe('ok')
    const settled = await until('all are of one mind', async () => {
      const told = await watch.tell('cluster')
      return (
        told.step('cluster').findings.length === 3 && told.summaries('cluster')[0]?.includes('10 923') && told
      )
    })
    expect(settled.summaries('cluster')).toEqual([
      expect.stringMatching(/^the cluster is down for the clients of .*: 10 923 of 16 384 slots are served$/),
      `the node 127.0.0.1:${nodeAt(0).port} is down, and nobody has taken over its slots 0-5460`,
      `the node 127.0.0.1:${nodeAt(3).port} is down`,
    ])
    for (const node of [nodeAt(0), nodeAt(3)]) {
      await node.restart()
      await allow(node)
    }
    await until(
      'all is well again',
      async () => (await watch.tell('cluster')).step('cluster').outcome === 'ok',
      {
        deadline: 20_000,
      },
    )
  })

  test('a node that hangs is told as one that the others do not hear', async () => {
    const watch = teller(redisStory, at({ url: nodeAt(1).url }))
    const hung = nodeAt(5)
    hung.freeze()
    await until('it is missed', async () => {
      const told = await watch.tell('cluster')
      return told.step('cluster').findings.some(({ key }) => key === `node 127.0.0.1:${hung.port}`)
    })
    const { outcome, notes } = (await watch.tell('memory')).step('memory')
    expect({ outcome, notes: notes.map((note) => render(note)) }).toEqual({
      outcome: 'ok',
      notes: expect.arrayContaining([`not asked: 127.0.0.1:${hung.port}`]),
    })
    hung.thaw()
    await until(
      'all is well again',
      async () => (await watch.tell('cluster')).step('cluster').outcome === 'ok',
      {
        deadline: 20_000,
      },
    )
  })
})
