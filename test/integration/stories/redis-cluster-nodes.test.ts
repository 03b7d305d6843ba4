import { mkdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { describeWith } from '../../support/needs.ts'
import { loginInCluster } from '../../support/redis-rights.ts'
import type { Redis } from '../../support/servers/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/servers/redis-cluster.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['redis'], 'redis: the nodes of a cluster', () => {
  let cluster: RedisCluster
  let login: object
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 1 })
    login = await loginInCluster(...cluster.nodes)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const nodeAt = (index: number) => {
    const node = cluster.nodes[index]
    if (node === undefined) throw new Error(`no node ${index}`)
    return node
  }
  const at = (more: object = {}) => ({ mode: 'cluster', url: nodeAt(0).url, ...login, ...more })

  test('what is wrong with one node, master or replica, is told under its name', async () => {
    const [master, replica] = [nodeAt(1), nodeAt(5)]
    const watch = teller(redisStory, at())
    expect((await watch.tell('memory', 'clients')).outcomes()).toEqual({ memory: 'ok', clients: 'ok' })
    await using _memory = await configured(master, { maxmemory: '1mb' })
    // Ten connections of the cluster bus take places too.
    await using _clients = await configured(replica, { maxclients: 13 })
    const told = await watch.tell('memory', 'clients')
    expect(told.step('memory').findings).toMatchObject([
      { key: `127.0.0.1:${master.port}`, evidence: { node: `127.0.0.1:${master.port}`, limit: 1_048_576 } },
    ])
    expect(told.summaries('memory')[0]).toMatch(
      new RegExp(`^127.0.0.1:${master.port}: memory is \\d+ % full \\(.+ of 1 MiB maxmemory, limit 95 %\\)$`),
    )
    expect(told.step('clients').findings).toMatchObject([
      { key: `full/127.0.0.1:${replica.port}`, severity: 'warning', evidence: { max: 13 } },
    ])
    // 80 % raise it, and it closes well below that only, by the node's own figures.
    const used = Number(told.step('memory').findings[0]?.evidence['used'])
    await master.cli('config', 'set', 'maxmemory', Math.round(used / 0.76))
    expect((await watch.tell('memory')).step('memory').findings).toMatchObject([{ severity: 'warning' }])
    await master.cli('config', 'set', 'maxmemory', '1gb')
    await replica.cli('config', 'set', 'maxclients', 10_000)
    expect((await watch.tell('memory', 'clients')).outcomes()).toEqual({ memory: 'ok', clients: 'ok' })
  })

  test('what a node counts is compared with its own figures, though another one has begun anew', async () => {
    const [restarted, evicting] = [nodeAt(0), nodeAt(2)]
    const watch = teller(redisStory, at())
    await watch.tell('evictions')
    const sample = watch.samples['evictions']
    const counts = sample?.value as Record<string, object>
    const other = { [`127.0.0.1:${restarted.port}`]: { run: 'before', evicted: -1000 } }
    watch.samples = { evictions: { at: sample?.at ?? 0, value: { ...counts, ...other } } }
    await using _ = await configured(evicting, { maxmemory: '3mb', 'maxmemory-policy': 'allkeys-lru' })
    try {
      await evicting.cli('debug', 'populate', 4000, 'evicted', 1000)
      const told = await watch.tell('evictions')
      // Every command may evict more.
      const all = /evicted_keys:(\d+)/.exec(String(await evicting.cli('info', 'stats')))?.[1]
      const [finding, ...others] = told.step('evictions').findings
      expect(finding).toMatchObject({ key: `127.0.0.1:${evicting.port}` })
      expect(others).toEqual([])
      expect(finding?.evidence['evicted']).toBeGreaterThan(0)
      expect(finding?.evidence['evicted']).toBeLessThanOrEqual(Number(all))
    } finally {
      await evicting.cli('flushall')
    }
  })

  test('a snapshot that a node could not save is saved by the cure of that node', async () => {
    const node = nodeAt(4)
    const file = join(node.dir, 'dump.rdb')
    await rm(file, { force: true })
    await mkdir(file)
    await node.cli('bgsave')
    const watch = teller(redisStory, at())
    const key = `snapshot/127.0.0.1:${node.port}`
    const told = await until('it failed', async () => {
      const answer = await watch.tell('persistence')
      return answer.step('persistence').findings[0]?.key === key && answer
    })
    await rmdir(file)
    await told.cure(`persistence/${key}`)
    expect((await watch.tell('persistence')).step('persistence').outcome).toBe('ok')
  })

  test('a right that some nodes do not give is named with them, and what the others say is told', async () => {
    const [full, poor] = [nodeAt(1), nodeAt(2)]
    await poor.cli('acl', 'setuser', 'healthz', '-info')
    try {
      await using _ = await configured(full, { maxmemory: '1mb' })
      const told = await teller(redisStory, at()).tell('memory')
      expect(told.step('memory').findings).toMatchObject([{ key: `127.0.0.1:${full.port}` }])
      expect(told.reason('memory')).toMatch(
        new RegExp(`127.0.0.1:${poor.port}.*the user healthz lacks the right \\+info$`),
      )
    } finally {
      await poor.cli('acl', 'setuser', 'healthz', '+info')
    }
    expect((await teller(redisStory, at()).tell('memory')).step('memory').outcome).toBe('ok')
  })

  test.each([0, 1])('a script that blocks node %i is told with its cure, and by one step', async (index) => {
    const node = nodeAt(index)
    await node.cli('config', 'set', 'busy-reply-threshold', 50)
    const script = node.cli('eval', 'while true do end', 0).catch(String)
    await until('it is busy', () =>
      node.cli('ping').then(
        () => false,
        (error) => String(error).includes('BUSY'),
      ),
    )
    const watch = teller(redisStory, at({ replicas: [nodeAt(2).url] }))
    const told = await watch.tell('connect', 'memory', 'clients')
    expect(told.step('connect').findings).toMatchObject([
      { key: `127.0.0.1:${node.port}`, evidence: { kind: 'busy' } },
    ])
    expect(told.step('connect').notes, 'the others are well').toHaveLength(5)
    expect(told.outcomes()).toMatchObject({ memory: 'skipped', clients: 'skipped' })
    await told.cure(`connect/127.0.0.1:${node.port}`)
    expect(await script).toContain('Script killed')
    expect((await watch.tell('connect', 'memory')).outcomes()).toEqual({ connect: 'ok', memory: 'ok' })
  })

  test('a node that is configured under another name than the cluster has for it is asked once', async () => {
    const aliases = cluster.nodes.map(({ port }) => `redis://localhost:${port}`)
    const told = await teller(redisStory, at({ url: aliases[0], replicas: aliases.slice(1, 3) })).tell(
      'memory',
    )
    expect(told.step('memory').notes).toHaveLength(cluster.nodes.length)
  })
})

/** Sets what a node has otherwise until it is disposed. */
async function configured(node: Redis, settings: Readonly<Record<string, string | number>>) {
  const before = await Promise.all(
    Object.keys(settings).map(async (name) => {
      const [, value] = (await node.cli('config', 'get', name)) as [string, string]
      return [name, value]
    }),
  )
  await node.cli('config', 'set', ...Object.entries(settings).flat())
  return {
    async [Symbol.asyncDispose]() {
      await node.cli('config', 'set', ...before.flat())
    },
  }
}
