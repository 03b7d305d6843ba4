import { expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const mebibyte = 1_048_576

describeWith(['redis'], 'redis: memory', () => {
  test('a full server is a problem with its figures; a cache that evicts is not', async () => {
    await using redis = await startRedis({ args: ['--maxmemory', '10mb'] })
    const watch = teller(redisStory, { url: redis.url })
    expect((await watch.tell('memory')).step('memory').outcome).toBe('ok')

    await fill(redis, 8.6)
    const high = await watch.tell('memory')
    expect(high.summaries('memory')[0]).toMatch(
      /^memory is 8\d % full \(8\.\d MiB of 10 MiB maxmemory, limit 80 %\)$/,
    )
    expect(high.step('memory').findings[0]?.severity).toBe('warning')
    await fill(redis, 9.7)
    const full = await watch.tell('memory')
    expect(full.step('memory').findings[0]?.severity).toBe('critical')

    const cache = teller(redisStory, { url: redis.url, use: 'cache' })
    expect((await cache.tell('memory')).step('memory').outcome).toBe('problem')
    await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect((await cache.tell('memory')).step('memory').outcome).toBe('ok')
    expect((await watch.tell('memory')).step('memory').outcome).toBe('problem')
  })

  test('a problem closes only well below the limit that it opened at', async () => {
    await using redis = await startRedis({ args: ['--maxmemory', '10mb'] })
    const watch = teller(redisStory, { url: redis.url })
    await fill(redis, 8.3)
    expect((await watch.tell('memory')).step('memory').outcome).toBe('problem')
    await redis.cli('config', 'set', 'maxmemory', Math.round(11 * mebibyte))
    expect((await watch.tell('memory')).step('memory').outcome).toBe('problem')
    await redis.cli('config', 'set', 'maxmemory', '20mb')
    expect((await watch.tell('memory')).step('memory').outcome).toBe('ok')
  })

  test('without maxmemory the limit that it is given counts, and on a replica its master evicts', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master, args: ['--maxmemory', '1mb'] })
    await fill(master, 4)
    const limited = teller(redisStory, { url: master.url }, { memory: { limitMiB: 4 } })
    expect((await limited.tell('memory')).summaries('memory')[0]).toContain(
      'of 4 MiB allowed to its container',
    )
    const copied = teller(redisStory, { url: replica.url })
    await until('the data is copied', async () => Number(await replica.cli('dbsize')) > 0)
    expect((await copied.tell('memory')).step('memory').outcome).toBe('ok')
  })
})

describeWith(['redis'], 'redis: evictions and refused writes', () => {
  test('evictions since the last telling are a problem; those of the past and of another life are not', async () => {
    await using redis = await startRedis({
      args: ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru'],
    })
    await overflow(redis)
    const store = teller(redisStory, { url: redis.url })
    expect((await store.tell('evictions')).step('evictions').outcome).toBe('ok')

    await overflow(redis)
    const told = await store.tell('evictions')
    expect(told.step('evictions').findings[0]?.severity).toBe('warning')
    expect(told.summaries('evictions')[0]).toMatch(
      /^\d+ keys evicted in .+ to make room: .+ a minute \(limit 0\)$/,
    )
    expect((await store.tell('evictions')).step('evictions').outcome).toBe('ok')

    await redis.restart()
    await overflow(redis)
    expect((await store.tell('evictions')).step('evictions').outcome).toBe('ok')
  })

  test('a broker that evicts is critical, a cache may evict a little', async () => {
    await using redis = await startRedis({
      args: ['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru'],
    })
    const broker = teller(redisStory, { url: redis.url, use: 'broker' })
    const cache = teller(redisStory, { url: redis.url, use: 'cache' })
    await Promise.all([broker.tell('evictions'), cache.tell('evictions')])
    const lately = cache.samples['evictions']
    await overflow(redis)
    expect((await broker.tell('evictions')).step('evictions').findings[0]?.severity).toBe('critical')
    // The same evictions, spread over an hour.
    if (lately !== undefined) cache.samples = { evictions: { ...lately, at: lately.at - 3_600_000 } }
    expect((await cache.tell('evictions')).step('evictions').outcome).toBe('ok')
    if (lately !== undefined) cache.samples = { evictions: lately }
    expect((await cache.tell('evictions')).step('evictions').outcome).toBe('problem')
  })

  test('a full server that may not evict refuses writes', async () => {
    await using redis = await startRedis()
    const watch = teller(redisStory, { url: redis.url })
    await fill(redis, 3.5)
    expect((await watch.tell('writes-refused')).step('writes-refused').outcome).toBe('ok')
    await redis.cli('config', 'set', 'maxmemory', '3mb')
    await expect(redis.cli('set', 'a', 'b')).rejects.toThrow('OOM')
    const full = await watch.tell('writes-refused')
    expect(full.summaries('writes-refused')[0]).toMatch(
      /^the memory is full \(.+ of 3 MiB\) and nothing may be evicted/,
    )
    expect(full.step('writes-refused').findings[0]).toMatchObject({ key: 'OOM', severity: 'critical' })

    await redis.cli('config', 'set', 'maxmemory', '20mb')
    await watch.tell('writes-refused')
    expect((await watch.tell('writes-refused')).step('writes-refused').outcome).toBe('ok')
  })

  test('errors that clients got since the last telling are counted, by their kind', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const watch = teller(redisStory, { url: replica.url })
    await watch.tell('writes-refused')
    for (const key of ['a', 'b', 'c']) await expect(replica.cli('set', key, 1)).rejects.toThrow('READONLY')
    const told = await watch.tell('writes-refused')
    expect(told.summaries('writes-refused')[0]).toMatch(
      /^3 commands refused in .+: clients write to a replica/,
    )
    expect(told.step('writes-refused').findings[0]).toMatchObject({ key: 'READONLY', severity: 'warning' })

    await master.cli('config', 'set', 'min-replicas-to-write', 3)
    const main = teller(redisStory, { url: master.url })
    await main.tell('writes-refused')
    await expect(master.cli('set', 'a', 1)).rejects.toThrow('NOREPLICAS')
    expect((await main.tell('writes-refused')).step('writes-refused').findings[0]).toMatchObject({
      key: 'NOREPLICAS',
      severity: 'critical',
    })
  })
})

describeWith(['redis'], 'redis: risky settings and wasted memory', () => {
  test('evicting any key is a risk for all but a cache', async () => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lfu'] })
    const outcomeFor = async (use: string) =>
      (await teller(redisStory, { url: redis.url, use }).tell('config-risk')).step('config-risk').outcome
    expect(await outcomeFor('broker')).toBe('ok')
    await redis.cli('config', 'set', 'maxmemory', '100mb')
    expect(await outcomeFor('cache')).toBe('ok')
    expect(await outcomeFor('store')).toBe('problem')
    const told = await teller(redisStory, { url: redis.url, use: 'broker' }).tell('config-risk')
    expect(told.summaries('config-risk')).toEqual([
      'any key may be evicted once 100 MiB are used: maxmemory-policy is allkeys-lfu',
    ])
    await redis.cli('config', 'set', 'maxmemory-policy', 'volatile-lru')
    expect(await outcomeFor('broker')).toBe('ok')
  })

  test('data that must survive needs a disk', async () => {
    await using redis = await startRedis()
    const durable = teller(redisStory, { url: redis.url, durable: true })
    expect((await durable.tell('config-risk')).step('config-risk').findings[0]?.key).toBe('durability')
    await redis.cli('config', 'set', 'save', '3600 1')
    expect((await durable.tell('config-risk')).step('config-risk').outcome).toBe('ok')
    await redis.cli('config', 'set', 'save', '')
    await redis.cli('acl', 'setuser', 'managed', 'on', '>hunter2SECRET', '-@all', '+ping', '+info')
    const login = { user: 'managed', password: 'hunter2SECRET' }
    const managed = teller(redisStory, { url: redis.url, durable: true, ...login })
    expect((await managed.tell('config-risk')).reason('config-risk')).toContain('lacks the right +config|get')
    await redis.cli('config', 'set', 'appendonly', 'yes')
    expect((await managed.tell('config-risk')).step('config-risk').outcome).toBe('ok')
  })

  test('memory that is kept back is a problem from a certain size on, and a purge gives it back', async () => {
    await using redis = await startRedis({ args: ['--jemalloc-bg-thread', 'no'] })
    const small = teller(redisStory, { url: redis.url }, { fragmentation: { fragRatio: 1.5 } })
    expect((await small.tell('fragmentation')).step('fragmentation').outcome).toBe('ok')
    await redis.cli('debug', 'populate', 30_000, 'k', 2000)
    await redis.cli('flushdb', 'async')
    const watch = teller(
      redisStory,
      { url: redis.url, ...(await loginOfGuide(redis)) },
      { fragmentation: { fragRatio: 1.5, fragMinMiB: 20 } },
    )
    const told = await until('it notices', async () => {
      const answer = await watch.tell('fragmentation')
      return answer.step('fragmentation').outcome === 'problem' && answer
    })
    expect(told.summaries('fragmentation')[0]).toMatch(
      /^\d+ MiB are taken for .+ of data: ratio [\d.]+ \(limit 1.5\)/,
    )
    expect(told.cures.get('fragmentation/wasted')?.consent).toBe('ask')
    await told.cure('fragmentation/wasted')
    expect((await watch.tell('fragmentation')).step('fragmentation').outcome).toBe('ok')
  })

  test('a purge that gives back too little says so', async () => {
    await using redis = await startRedis({ args: ['--jemalloc-bg-thread', 'no'] })
    // One small value is kept in each page of large ones.
    const script = `for i = 1, 40000 do redis.call('set', i, string.rep('x', 1000)) end
      for i = 1, 40000 do if i % 16 ~= 0 then redis.call('del', i) end end`
    await redis.cli('eval', script, 0)
    const watch = teller(redisStory, { url: redis.url }, { fragmentation: { fragRatio: 1.2, fragMinMiB: 5 } })
    // The first purge may find pages that were only kept back.
    await (await watch.tell('fragmentation')).cure('fragmentation/wasted').catch(() => {})
    const told = await watch.tell('fragmentation')
    await expect(told.cure('fragmentation/wasted')).rejects.toMatchObject({ name: 'DidNotHelp' })
  })
})

/** Writes until the server uses so many MiB. */
async function fill(redis: Redis, mib: number): Promise<void> {
  const used = async () => Number(/^used_memory:(\d+)/m.exec(String(await redis.cli('info', 'memory')))?.[1])
  for (let i = 0; (await used()) < mib * mebibyte; i++) {
    const missing = mib * mebibyte - (await used())
    const each = Math.max(1000, Math.min(100_000, Math.floor(missing / 4)))
    await redis.cli('set', `fill:${Math.random()}:${i}`, 'x'.repeat(each))
  }
}

/** Writes far more than fits. */
async function overflow(redis: Redis): Promise<void> {
  await redis.cli('debug', 'populate', 4000, `k${Math.random()}`, 1000)
}
