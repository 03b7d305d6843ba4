import { inspect } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slotOf } from '../../../src/core/redis-slot.ts'
import beat from '../../../stories/beat/index.ts'
import bullmq from '../../../stories/bullmq/index.ts'
import celery from '../../../stories/celery/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { makeCeleryApp } from '../../support/servers/celery.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startRedis } from '../../support/servers/redis.ts'
import { type RedisCluster, startRedisCluster } from '../../support/servers/redis-cluster.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const password = 'hunter2SECRET'

describeWith(['redis', 'celery'], 'bullmq and beat over a Redis Cluster', () => {
  const stack = new AsyncDisposableStack()
  let cluster: RedisCluster
  let connection: Cluster
  beforeAll(async () => {
    cluster = stack.use(await startRedisCluster({ replicas: 1, password }))
    for (const { cli } of cluster.nodes) for (const command of commands()) await cli(...wordsOf(command))
    connection = clientOf(cluster)
    stack.defer(() => connection.disconnect())
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const url = (index = 0) => `redis://127.0.0.1:${cluster.nodes[index]?.port}`
  const jobs = (queues: readonly string[], more: object = {}, steps = {}) =>
    teller(
      bullmq,
      { ...{ mode: 'cluster', url: url(), user: 'jobs', password, prefix: '{bull}', queues }, ...more },
      steps,
    )
  const queueOf = (name: string, prefix = '{bull}') => {
    const queue = new Queue(name, { connection, prefix })
    queue.on('error', () => {})
    stack.defer(() => queue.close())
    return queue
  }

  test('queues that are worked off have no problem, whichever node is asked, with the documented rights', async () => {
    const mail = queueOf('mail')
    const worker = new Worker('mail', async () => {}, { connection, prefix: '{bull}', name: 'w-one' })
    worker.on('error', () => {})
    stack.defer(() => worker.close(true))
    await worker.waitUntilReady()
    await mail.add('hello', {})
    await until('it is done', async () => (await mail.getCompletedCount()) === 1)
    for (const index of [0, 1, 2]) {
      const told = await until('the worker is seen', async () => {
        const told = await jobs(['mail'], { url: url(index) }).tell()
        return hasWorker(told) && told
      })
      expect(untold(told)).toEqual([])
      expect(inspect(told, { depth: 20 })).not.toContain(password)
    }
  })

  test('queues on different nodes are told with their figures, and let go on by a cure where they are', async () => {
    // The hash tag may stand in the name of the queue, too: these lie on three nodes.
    const names = ['{a}', '{b}', '{c}']
    expect(new Set(names.map((name) => Math.floor(slotOf(`bull:${name}`) / 5461))).size).toBe(3)
    const queues = names.map((name) => queueOf(name, 'bull'))
    for (const [index, queue] of queues.entries())
      await queue.addBulk(Array.from({ length: index + 1 }, () => ({ name: 'hello', data: {} })))
    const watch = jobs(names, { prefix: 'bull' })
    expect((await watch.tell('workers')).summaries('workers')).toEqual([
      'nobody works on the queue {a}: 1 jobs wait, 0 were begun, and no worker is connected',
      'nobody works on the queue {b}: 2 jobs wait, 0 were begun, and no worker is connected',
      'nobody works on the queue {c}: 3 jobs wait, 0 were begun, and no worker is connected',
    ])
    for (const queue of queues) await queue.pause()
    const held = jobs(names, { prefix: 'bull', user: undefined }, { paused: { after: '0s' } })
    const told = await held.tell('paused')
    for (const name of names) await told.cure(`paused/${name}`)
    expect(await Promise.all(queues.map((queue) => queue.isPaused()))).toEqual([false, false, false])
  })

  test('a node that may throw jobs away is told by its address', async () => {
    const owner = await cluster.ownerOf(slotOf('{b}'))
    await owner.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', '256mb')
    try {
      const told = await jobs(['{a}', '{b}'], { prefix: 'bull' }).tell('eviction')
      expect(told.step('eviction').findings).toMatchObject([{ key: `127.0.0.1:${owner.port}` }])
    } finally {
      await owner.cli('config', 'set', 'maxmemory-policy', 'noeviction', 'maxmemory', '0')
    }
  })

  test('RedBeat is told wherever its keys are', async () => {
    await using app = await makeCeleryApp({
      broker: 'memory://',
      settings: {
        redbeat_redis_url: `redis://:${password}@127.0.0.1:${cluster.nodes[0]?.port}`,
        redbeat_redis_options: { cluster: true, decode_responses: true },
        redbeat_lock_timeout: 5,
        beat_schedule: { tick: { task: 'hzapp.add', schedule: 1 } },
      },
      hasRedbeat: true,
    })
    const of = { mode: 'cluster', url: url(), user: 'beats', password, maxInterval: '1s' }
    const watch = teller(beat, of, { overdue: { after: '2s' } })
    await using main = await app.beat('main', ['-S', 'redbeat.RedBeatScheduler', '--max-interval', '1'])
    await until('it holds the lock', async () => (await watch.tell('lock')).step('lock').outcome === 'ok')
    await until('all is well', async () => untold(await watch.tell()).length === 0)
    main.freeze()
    const told = await until('a task is late', async () => {
      const told = await watch.tell('overdue')
      return told.step('overdue').outcome === 'problem' && told
    })
    expect(told.summaries('overdue')).toEqual([
      expect.stringMatching(/^1 periodic task did not run when due: tick is [\d.]+ s late \(limit 2 s\)$/),
    ])
  })

  test('without "mode: cluster" it is told what it is, and Celery that it has no use for it', async () => {
    const login = { password, user: 'jobs' }
    const single = [
      teller(celery, { broker: url(), password }),
      teller(beat, { url: url(), ...login }),
      teller(bullmq, { url: url(), ...login, queues: ['mail'] }),
    ]
    for (const [index, watch] of single.entries()) {
      const told = await watch.tell()
      expect(told.kinds()).toEqual([['connect', 'redirect']])
      expect(told.summaries('connect')[0]).toContain('it is a node of a Redis Cluster')
      if (index === 0) expect(told.summaries('connect')[0]).toContain('Celery has no transport for one')
    }
    await using alone = await startRedis()
    const told = await jobs(['mail'], { url: alone.url, user: undefined, password: undefined }).tell()
    expect(told.reason('connect')).toBe(
      `127.0.0.1:${alone.port} is no part of a cluster: cluster-enabled is no`,
    )
  })

  test('a queue whose keys lie in several slots is refused with the configuration', () => {
    const given = { mode: 'cluster', url: 'redis://h', queues: ['mail'] }
    expect(bullmq.options.safeParse(given).error?.issues).toMatchObject([{ path: ['prefix'] }])
    expect(bullmq.options.safeParse({ ...given, prefix: '{bull}' }).success).toBe(true)
    expect(bullmq.options.safeParse({ ...given, queues: ['{mail}'] }).success).toBe(true)
    expect(bullmq.options.safeParse({ ...given, mode: 'standalone' }).success).toBe(true)
  })

  test('a master that dies is told, and its replica is followed when it took over', async () => {
    const [dead, seeds] = [await cluster.ownerOf(slotOf('{bull}')), cluster.nodes]
    const [other, ...others] = seeds.filter((node) => node !== dead)
    const more = {
      url: `redis://127.0.0.1:${await freePort()}`,
      replicas: [other, ...others].map((node) => `redis://127.0.0.1:${node?.port}`),
    }
    const watch = jobs(['mail'], more)
    expect((await watch.tell('paused')).step('paused').outcome).toBe('ok')
    await dead.kill()
    const told = await watch.tell()
    expect(told.step('connect').findings).toMatchObject([{ severity: 'critical' }])
    expect(told.step('workers').outcome).toBe('skipped')
    await until(
      'the worker works for the replica',
      async () => {
        const told = await watch.tell()
        return untold(told).length === 0 && hasWorker(told)
      },
      { deadline: 45_000 },
    )
  }, 90_000)
})

/** The users of the guides, each with a name of its own. */
function commands(): readonly string[] {
  const own = (user: string) => (command: string) => command.replace('SETUSER healthz', `SETUSER ${user}`)
  return [
    ...['To look', 'mode: cluster']
      .flatMap((part) => rightsOf(bullmq.guide, password, part))
      .map(own('jobs')),
    ...['+zrem', 'mode: cluster'].flatMap((part) => rightsOf(beat.guide, password, part)).map(own('beats')),
  ]
}

function clientOf({ nodes }: RedisCluster): Cluster {
  const client = new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    { redisOptions: { password, maxRetriesPerRequest: null } },
  )
  client.on('error', () => {})
  return client
}

/** Of the queue mail. */
const hasWorker = (told: Told) =>
  JSON.stringify(told.step('workers').notes).includes('"mail",{"figure":"count","count":1')

const untold = (told: Told) =>
  Object.values(told.steps).flatMap((report) =>
    report.outcome === 'ok'
      ? []
      : [`${report.step} ${report.outcome} ${told.summaries(report.step)}${told.reason(report.step)}`],
  )
