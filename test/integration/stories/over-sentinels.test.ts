import { inspect } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { afterAll, beforeAll, expect, test } from 'vitest'
import beat from '../../../stories/beat/index.ts'
import bullmq from '../../../stories/bullmq/index.ts'
import celery from '../../../stories/celery/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type CeleryApp, makeCeleryApp } from '../../support/servers/celery.ts'
import { freePort } from '../../support/servers/ports.ts'
import type { Redis } from '../../support/servers/redis.ts'
import { type SentinelGroup, startSentinel } from '../../support/servers/redis-sentinel.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const password = 'hunter2SECRET'
const sentinelPassword = 'hunter3SECRET'

describeWith(['redis', 'redis-sentinel', 'celery'], 'celery, beat and bullmq over sentinels', () => {
  const stack = new AsyncDisposableStack()
  let group: SentinelGroup
  let app: CeleryApp
  let mail: Queue
  let lone: Queue

  beforeAll(async () => {
    group = stack.use(await startSentinel({ password, sentinelPassword }))
    for (const each of group.redises) await allow(each)
    for (const { cli } of group.sentinels)
      for (const command of rightsOf(celery.guide, sentinelPassword, 'mode: sentinel, on each sentinel'))
        await cli(...wordsOf(command))
    app = stack.use(await makeCeleryApp(celeryOver(group)))
    stack.use(await app.worker('w1@hz'))
    stack.use(await app.beat('main', ['-S', 'redbeat.RedBeatScheduler', '--max-interval', '1']))
    const connection = {
      sentinels: group.sentinels.map(({ host, port }) => ({ host, port })),
      name: group.name,
      ...{ password, sentinelPassword, db: 2 },
    }
    const worker = new Worker('mail', async () => {}, { connection })
    worker.on('error', () => {})
    stack.defer(() => worker.close(true))
    const queueOf = (name: string) => {
      const queue = new Queue(name, { connection })
      queue.on('error', () => {})
      stack.defer(() => queue.close())
      return queue
    }
    mail = queueOf('mail')
    lone = queueOf('lone')
    await worker.waitUntilReady()
    await lone.waitUntilReady()
    await mail.add('hello', {})
    await until(
      'beat has sent a task',
      async () => (await beats().tell('lock')).step('lock').outcome === 'ok',
    )
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  /** As the users of the guides. */
  const place = (user: string) => ({
    mode: 'sentinel',
    sentinels: group.sentinels.map(({ port }) => `redis://127.0.0.1:${port}`),
    ...{ user, password, sentinelUser: 'healthz', sentinelPassword },
  })
  const tasks = (more: object = {}) =>
    teller(celery, { ...place('tasks'), queues: ['celery', 'idle'], answerWithin: '1s', ...more })
  const beats = (more: object = {}) =>
    teller(beat, { ...place('beats'), database: 1, maxInterval: '1s', ...more })
  const jobs = (more: object = {}, steps = {}) =>
    teller(bullmq, { ...place('jobs'), database: 2, queues: ['mail'], ...more }, steps)

  test('what runs well has no problem, with the documented rights and no more', async () => {
    const told = [
      await tasks({ expectWorkers: ['w1@hz'], queues: ['celery'] }).tell(),
      await beats({ expectEntries: 1 }).tell(),
      await jobs().tell(),
    ]
    expect(told.map((each) => untold(each))).toEqual([[], [], []])
    expect(inspect(told, { depth: 20 })).not.toMatch(/hunter\dSECRET/)
  })

  test('each is told in the database that is named, with its figures', async () => {
    await app.run(`for i in range(3): add.apply_async(queue='idle')`)
    expect((await tasks().tell('uncovered')).summaries('uncovered')).toEqual([
      'idle holds 3 tasks, and none of 1 worker takes them',
    ])
    const elsewhere = await tasks({ database: 3, user: undefined }).tell('queue', 'uncovered')
    expect(elsewhere.step('queue').notes[0]).toMatchObject({ values: [{ count: 0 }, { count: 2 }] })
    expect(elsewhere.outcomes()).toEqual({ queue: 'ok', uncovered: 'ok' })
    await lone.addBulk([1, 2].map((index) => ({ name: 'hello', data: { index } })))
    expect((await jobs({ queues: ['lone'] }).tell('workers')).summaries('workers')).toEqual([
      'nobody works on the queue lone: 2 jobs wait, 0 were begun, and no worker is connected',
    ])
    expect((await beats({ database: 0 }).tell('ghost')).reason('ghost')).toContain('there is no schedule')
    expect((await beats({ expectEntries: 9 }).tell('shrunk')).step('shrunk').outcome).toBe('problem')
  })

  test('a cure of BullMQ is done on the master', async () => {
    await lone.pause()
    const held = jobs({ queues: ['lone'], user: undefined }, { paused: { after: '0s' } })
    await (await held.tell('paused')).cure('paused/lone')
    expect(await lone.isPaused()).toBe(false)
  })

  test.each([
    [
      'a name that no sentinel knows',
      { master: 'other' },
      'not-found',
      'the sentinel watches no master named other',
    ],
    [
      'a sentinel that wants a password',
      { sentinelUser: undefined, sentinelPassword: undefined },
      'auth-missing',
      'wants a password and none is configured',
    ],
    [
      'a sentinel that is given a wrong one',
      { sentinelPassword: 'wrong-hunter2SECRET' },
      'auth-failed',
      'refuses the login',
    ],
    [
      'a master that is given a wrong one',
      { password: 'wrong-hunter2SECRET' },
      'auth-failed',
      'refuses the login',
    ],
  ])('%s is one problem that says so', async (_, more, kind, summary) => {
    for (const watch of [tasks(more), beats(more), jobs(more)]) {
      const told = await watch.tell()
      expect(told.kinds()).toEqual([['connect', kind]])
      expect(told.summaries('connect')[0]).toContain(summary)
      expect(inspect(told, { depth: 20 })).not.toMatch(/hunter\dSECRET/)
    }
  })

  test('sentinels that are not there, and servers in their place, are told as such', async () => {
    const [gone, other] = [await freePort(), await freePort()]
    const nobody = { sentinels: [gone, other].map((port) => `redis://127.0.0.1:${port}`) }
    const servers = { sentinels: group.redises.map(({ port }) => `redis://127.0.0.1:${port}`) }
    const [first] = group.redises
    for (const watchOf of [tasks, beats, jobs]) {
      expect((await watchOf(nobody).tell()).summaries('connect')).toEqual([
        `nothing listens on 127.0.0.1:${gone}: nor do 127.0.0.1:${other} answer`,
      ])
      const login = { sentinelUser: undefined, sentinelPassword: password }
      expect((await watchOf({ ...servers, ...login }).tell()).summaries('connect')).toEqual([
        expect.stringMatching(`speaks another protocol: it is a Redis, and no Sentinel`),
      ])
      const one = { mode: 'standalone', sentinels: [], sentinelUser: undefined, sentinelPassword: undefined }
      const url = `redis://:${sentinelPassword}@127.0.0.1:${group.sentinels[0]?.port}`
      const asServer = { ...one, user: undefined, password: undefined, database: undefined }
      const told = await watchOf({ ...asServer, [watchOf === tasks ? 'broker' : 'url']: url }).tell()
      expect(told.summaries('connect')).toEqual([
        expect.stringContaining('it is a Sentinel, which holds no keys'),
      ])
    }
    expect(first.isRunning()).toBe(true)
  })

  test('a replica that a sentinel takes for the master is told as such', async () => {
    const [, replica] = group.redises
    const [mistaken] = group.sentinels
    await mistaken?.cli('sentinel', 'monitor', 'other', '127.0.0.1', replica.port, 2)
    try {
      for (const watchOf of [tasks, beats, jobs]) {
        const told = await watchOf({ master: 'other' }).tell()
        expect(told.kinds()).toEqual([['connect', 'read-only']])
        expect(told.summaries('connect')).toEqual([
          `127.0.0.1:${replica.port} refuses writes: the sentinels name it the master other, but it is a replica`,
        ])
      }
    } finally {
      await mistaken?.cli('sentinel', 'remove', 'other')
    }
  })

  test('a master that dies is told until another is chosen, which is followed', async () => {
    const [first, second] = group.redises
    const patience = async (ms: number) => {
      for (const { cli } of group.sentinels)
        await cli('sentinel', 'set', group.name, 'down-after-milliseconds', ms)
    }
    await patience(60_000)
    await first.kill()
    for (const watch of [tasks(), beats(), jobs()]) {
      const dead = await watch.tell()
      expect(dead.summaries('connect')).toEqual([
        `nothing listens on 127.0.0.1:${first.port}: the sentinels name it the master mymaster`,
      ])
      expect(dead.kinds()).toEqual([['connect', 'refused']])
    }
    await patience(500)
    await until('the replica is the master', async () => (await group.master()) === second)

    const well = (watch: { tell(...only: string[]): Promise<Told> }, ...steps: string[]) =>
      until(
        `all is well in ${steps}`,
        async () => {
          const told = await watch.tell(...steps)
          return untold(told).length === 0 && told
        },
        { deadline: 45_000 },
      )
    await well(tasks({ expectWorkers: ['w1@hz'], queues: ['celery'] }), 'ping', 'broker', 'queue')
    await well(beats(), 'overdue', 'lock')
    await mail.add('hello again', {})
    await well(jobs(), 'workers', 'eviction')

    await app.run(`for i in range(2): add.apply_async(queue='idle')`)
    expect((await tasks().tell('uncovered')).summaries('uncovered')).toEqual([
      'idle holds 5 tasks, and none of 1 worker takes them',
    ])
    await lone.add('hello', {})
    expect((await jobs({ queues: ['lone'] }).tell('workers')).summaries('workers')).toEqual([
      'nobody works on the queue lone: 3 jobs wait, 0 were begun, and no worker is connected',
    ])
    // The one that was replaced comes back as a replica, and is not asked.
    await first.restart()
    await until('it is a replica', async () => String(await first.cli('role')).startsWith('slave'))
    await well(tasks({ expectWorkers: ['w1@hz'], queues: ['celery'] }), 'ping', 'broker')
  }, 120_000)
})

/** The users of the guides, each with a name of its own. */
async function allow({ cli }: Pick<Redis, 'cli'>): Promise<void> {
  const users = {
    tasks: ['Redis', 'mode: sentinel, on each Redis'].flatMap((part) =>
      rightsOf(celery.guide, password, part),
    ),
    beats: rightsOf(beat.guide, password, '+zrem'),
    jobs: rightsOf(bullmq.guide, password, 'To look'),
  }
  for (const [user, commands] of Object.entries(users))
    for (const command of commands) {
      const own = command
        .replace('SETUSER healthz', `SETUSER ${user}`)
        .replace('~mail ~mail?*', '~idle ~idle?*')
      await cli(...wordsOf(own))
    }
}

function celeryOver({ sentinels, name }: SentinelGroup) {
  return {
    broker: sentinels.map(({ port }) => `sentinel://:${password}@127.0.0.1:${port}/0`).join(';'),
    settings: {
      broker_transport_options: { master_name: name, sentinel_kwargs: { password: sentinelPassword } },
      redbeat_redis_url: 'redis-sentinel',
      redbeat_redis_options: {
        sentinels: sentinels.map(({ port }) => ['127.0.0.1', port]),
        service_name: name,
        sentinel_kwargs: { password: sentinelPassword },
        ...{ password, db: 1, socket_timeout: 1, retry_period: 60 },
      },
      redbeat_lock_timeout: 5,
      beat_schedule: { tick: { task: 'hzapp.add', schedule: 1 } },
    },
    hasRedbeat: true,
  }
}

const untold = (told: Told) =>
  Object.values(told.steps).flatMap((report) =>
    report.outcome === 'ok'
      ? []
      : [`${report.step} ${report.outcome} ${told.summaries(report.step)}${told.reason(report.step)}`],
  )
