import { mkdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { debian13, otherDebians } from '../../support/servers/debian-tree.ts'
import { type Redis, type RedisOptions, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const mebibyte = 1_048_576

const versions = [
  { name: 'Valkey 8.1.1', command: 'valkey-server' },
  { name: 'Redis 8.0.2', command: 'redis-server' },
]

describeWith(['redis', otherDebians], 'redis: other versions', () => {
  describe.each(versions)('$name', ({ name, command }) => {
    let redis: Redis
    /** As the guide's user, who has no right but the documented ones. */
    let watcher: object
    const start = async (more: RedisOptions = {}) =>
      startRedis({ other: { tree: await debian13(), command }, ...more })
    beforeAll(async () => {
      redis = await start({ args: ['--save', '3600 1', '--busy-reply-threshold', '50'] })
      watcher = { url: redis.url, ...(await loginOfGuide(redis)) }
    })
    afterAll(() => redis?.[Symbol.asyncDispose]())

    const figure = async (section: string, field: string) =>
      Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(String(await redis.cli('info', section)))?.[1])

    test('a healthy one is well in every step, with the documented rights and no more', async () => {
      for (const command of rightsOf(redisStory.guide, 'hunter2SECRET', 'for "keys"'))
        await redis.cli(...wordsOf(command))
      await redis.cli('rpush', 'jobs', 1, 2)
      await redis.cli('set', 'cache:prices', 1, 'ex', 600)
      const told = await teller(redisStory, {
        ...watcher,
        ...{ durable: true, keys: [{ key: 'jobs', max: 5 }] },
        fresh: [{ key: 'cache:prices', timeout: '10m', maxAge: '3m' }],
      }).tell()
      expect(told.reason('memory')).toBe('')
      const { sentinel, cluster, ...on } = redisStory.steps
      expect(told.outcomes()).toEqual(Object.fromEntries(Object.keys(on).map((step) => [step, 'ok'])))
      expect(JSON.stringify(told.step('connect').notes)).toContain(name.replace(/.* /, ''))
      expect(JSON.stringify(told.step('connect').notes)).toContain(name.replace(/ .*/, ''))
    })

    test('a snapshot that fails stops all writes, and a round saves one again', async () => {
      const file = join(redis.dir, 'dump.rdb')
      const watch = teller(redisStory, watcher)
      await watch.tell('writes-refused')
      await rm(file, { force: true })
      await mkdir(file)
      await redis.cli('bgsave')
      await until('it has failed', async () => (await figure('persistence', 'rdb_bgsave_in_progress')) === 0)
      await expect(redis.cli('set', 'x', 1)).rejects.toThrow('MISCONF')
      const changes = await figure('persistence', 'rdb_changes_since_last_save')
      const told = await watch.tell()
      expect(told.outcomes()).toMatchObject({ connect: 'ok', memory: 'ok', persistence: 'problem' })
      expect(told.step('persistence').findings).toMatchObject([
        { key: 'snapshot', severity: 'critical', evidence: { changes, refusesWrites: true } },
      ])
      expect(told.summaries('writes-refused')).toEqual([
        expect.stringMatching(/^1 command refused in .+: it cannot save to its disk \(MISCONF\)$/),
      ])
      await rmdir(file)
      const { healed } = await watch.round()
      expect(healed).toEqual(['persistence/snapshot'])
      expect(await redis.cli('set', 'x', 1)).toBe('OK')
    })

    test('memory that is full is told with its figures, and so are refused writes and evictions', async () => {
      const watch = teller(redisStory, watcher)
      await redis.cli('debug', 'populate', 4000, 'k', 1000)
      const max = Math.ceil((await figure('memory', 'used_memory')) / 0.9)
      await redis.cli('config', 'set', 'maxmemory', max)
      const told = await watch.tell('memory', 'evictions', 'writes-refused')
      expect(told.outcomes()).toEqual({ memory: 'problem', evictions: 'ok', 'writes-refused': 'ok' })
      expect(told.summaries('memory')[0]).toMatch(
        /^memory is (8[5-9]|9[0-4]) % full \(.+ MiB of .+ MiB maxmemory, limit 80 %\)$/,
      )
      expect(told.step('memory').findings[0]?.evidence).toMatchObject({ limit: max, policy: 'noeviction' })

      await redis.cli('config', 'set', 'maxmemory', 3 * mebibyte)
      await expect(redis.cli('set', 'x', 1)).rejects.toThrow('OOM')
      const full = await watch.tell('writes-refused')
      expect(full.step('writes-refused').findings).toMatchObject([
        { key: 'OOM', severity: 'critical', evidence: { refused: 1 } },
      ])
      await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
      await redis.cli('set', 'x', 1)
      // What else needs memory, such as a new connection, evicts no more from here on.
      await redis.cli('config', 'set', 'maxmemory', 64 * mebibyte)
      const evicted = await figure('stats', 'evicted_keys')
      expect((await watch.tell('evictions')).step('evictions').findings).toMatchObject([
        { severity: 'warning', evidence: { evicted } },
      ])
      expect((await watch.tell('config-risk')).step('config-risk').findings[0]?.key).toBe('eviction')
      await redis.cli('flushall')
      await redis.cli('config', 'set', 'maxmemory', 0, 'maxmemory-policy', 'noeviction')
    })

    test('clients that fill it are told, and the idle ones are closed on consent', async () => {
      await using stack = new AsyncDisposableStack()
      await redis.cli('config', 'set', 'maxclients', 20)
      const limits = { clients: { idle: '500ms', idleNames: ['leaky-worker'] } }
      const watch = teller(redisStory, watcher, limits)
      expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
      for (let i = 0; i < 17; i++) {
        const name = { connectionName: 'leaky-worker', disableClientInfo: true, enableReadyCheck: false }
        const client = new Client({ port: redis.port, lazyConnect: true, retryStrategy: null, ...name })
        await client.connect()
        stack.defer(() => client.disconnect())
      }
      const told = await until('they are idle', async () => {
        const answer = await watch.tell('clients')
        return answer.step('clients').findings[0]?.evidence['crowdIdle'] === 17 && answer
      })
      expect(told.step('clients').findings).toMatchObject([
        { key: 'full', evidence: { max: 20, crowdName: 'leaky-worker', crowdConnections: 17 } },
      ])
      await told.cure('clients/full')
      expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
      await redis.cli('config', 'set', 'maxclients', 10_000)
    })

    test('a script that blocks it is one problem, and ended on consent', async () => {
      const script = redis.cli('eval', 'while true do end', 0).catch(String)
      const watch = teller(redisStory, watcher)
      const told = await until('it blocks', async () => {
        const answer = await watch.tell()
        return answer.step('connect').outcome === 'problem' && answer
      })
      expect(told.kinds()).toEqual([['connect', 'busy']])
      await told.cure('connect')
      expect(await script).toMatch(/killed by user/i)
      expect((await watch.tell('connect')).step('connect').outcome).toBe('ok')
    })

    test('a replica that loses its master is critical, and writes to it are told', async () => {
      await using master = await start()
      await using replica = await start({ replicaOf: master })
      const login = { url: replica.url, ...(await loginOfGuide(replica)) }
      const watch = teller(redisStory, login, { replication: { grace: '0s', linkDown: '0s' } })
      expect((await watch.tell('replication', 'writes-refused')).outcomes()).toEqual({
        ...{ replication: 'ok', 'writes-refused': 'ok' },
      })
      await expect(replica.cli('set', 'x', 1)).rejects.toThrow('READONLY')
      const written = await watch.tell('writes-refused')
      expect(written.step('writes-refused').findings).toMatchObject([
        { key: 'READONLY', severity: 'warning', evidence: { refused: 1 } },
      ])
      await master.kill()
      const lost = await until('it is lost', async () => {
        const answer = await watch.tell('replication')
        return answer.step('replication').outcome === 'problem' && answer
      })
      expect(lost.step('replication').findings).toMatchObject([
        { key: `link/127.0.0.1:${replica.port}`, severity: 'critical' },
      ])
      expect(lost.summaries('replication')[0]).toContain(
        `has had no link to its master 127.0.0.1:${master.port}`,
      )
    })
  })
})
