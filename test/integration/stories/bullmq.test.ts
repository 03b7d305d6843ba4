import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import bullmq from '../../../stories/bullmq/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type KeptProgram, startFallenProgram, startKeptProgram } from '../../support/servers/kept-program.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'
const program = fileURLToPath(new URL('../../support/bullmq-worker.ts', import.meta.url))

/** What guide.rights of the story gives for looking. */
const allow = wordsOf(rightsOf(bullmq.guide, marker, 'To look')[0] ?? '')
const rights = allow.slice(5)

describeWith(['redis'], 'queues of BullMQ', () => {
  let redis: Redis
  const open: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    redis = await startRedis()
    await redis.cli(...allow)
  })

  afterAll(() => redis?.[Symbol.asyncDispose]())

  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    await redis.cli('flushall')
  })

  const connection = () => ({ host: '127.0.0.1', port: redis.port })

  const queueOf = (name: string): Queue => {
    const queue = new Queue(name, { connection: connection() })
    queue.on('error', () => {})
    open.unshift(queue)
    return queue
  }

  const work = async (name: string, act: () => Promise<unknown> = async () => {}, concurrency = 1) => {
    const worker = new Worker(name, act, { connection: connection(), concurrency })
    worker.on('error', () => {})
    open.unshift({ close: () => worker.close(true) })
    await worker.waitUntilReady()
    return worker
  }

  const tellerOf = (
    queues: readonly string[],
    steps: Record<string, Record<string, unknown>> = {},
    more: object = {},
  ) => teller(bullmq, { url: redis.url, user: 'healthz', password: marker, queues, ...more }, steps)

  /** Shifts what a step remembers of a moment into the past. */
  const age = (of: ReturnType<typeof tellerOf>, step: string, ms: number) => {
    const sample = of.samples[step]
    if (sample === undefined) throw new Error(`${step} remembers nothing`)
    const value = Object.fromEntries(
      Object.entries(sample.value as Record<string, number>).map(([key, at]) => [key, at - ms]),
    )
    of.samples = { ...of.samples, [step]: { at: sample.at - ms, value } }
  }

  test('a queue that is worked off is fine in every step, with the documented rights', async () => {
    const mail = queueOf('mail')
    const worker = await work('mail')
    const done = once(worker, 'completed')
    await mail.add('hello', { to: marker })
    await mail.upsertJobScheduler('nightly', { every: 3_600_000 }, { name: 'nightly' })
    await done
    const told = await until('the worker is seen', async () => {
      const told = await tellerOf(['mail']).tell()
      return told.step('workers').outcome === 'ok' && told
    })
    expect(Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'connect ok',
      'workers ok',
      'backlog ok',
      'delayed ok',
      'stalled ok',
      'failed ok',
      'paused ok',
      'scheduler ok',
      'eviction ok',
    ])
    expect(told.step('workers').notes).toMatchObject([{ values: ['mail', { count: 1 }, { count: 0 }, 0] }])
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test('jobs without a worker are told, and an empty queue without one is fine', async () => {
    const mail = queueOf('mail')
    await mail.waitUntilReady()
    expect((await tellerOf(['mail']).tell('workers')).step('workers').outcome).toBe('ok')
    await mail.addBulk([1, 2, 3].map((index) => ({ name: 'hello', data: { index } })))
    await mail.add('first', {}, { priority: 1 })
    const told = await tellerOf(['mail']).tell('workers')
    expect(told.summaries('workers')).toEqual([
      'nobody works on the queue mail: 4 jobs wait, 0 were begun, and no worker is connected',
    ])
    expect(told.step('workers').findings[0]).toMatchObject({ key: 'mail', severity: 'critical' })
    expect(told.cures.size).toBe(0)
    await mail.pause()
    expect((await tellerOf(['mail']).tell('workers')).step('workers').outcome).toBe('ok')
  })

  test('a worker with a name of its own counts, one without as well', async () => {
    const mail = queueOf('mail')
    await mail.add('hello', {})
    const named = new Worker('mail', null, { connection: connection(), name: 'w-one', autorun: true })
    named.on('error', () => {})
    open.unshift({ close: () => named.close(true) })
    await named.waitUntilReady()
    await work('mail', () => new Promise(() => {}))
    const told = await until('both are seen', async () => {
      const told = await tellerOf(['mail']).tell('workers')
      return JSON.stringify(told.step('workers').notes).includes('"count":2') && told
    })
    expect(told.step('workers').outcome).toBe('ok')
  })

  test('a queue that nobody ever used, and keys of another program, are never taken for fine', async () => {
    const told = await tellerOf(['nothing']).tell()
    for (const step of ['workers', 'backlog', 'delayed', 'stalled', 'failed', 'paused', 'scheduler']) {
      expect(told.reason(step)).toBe('there is no queue of this name: nothing')
    }
    await redis.cli('set', 'bull:text:wait', 'x')
    const foreign = await tellerOf(['text']).tell('backlog')
    expect(foreign.step('backlog').outcome).toBe('unknown')
    expect(foreign.reason('backlog')).toContain('they are not those of a BullMQ queue')
  })

  test.each([
    ['client|list', 'workers'],
    ['llen', 'backlog'],
    ['zrange', 'delayed'],
    ['lrange', 'stalled'],
    ['zcount', 'failed'],
    ['hget', 'paused'],
    ['zrangebyscore', 'scheduler'],
    ['info', 'eviction'],
  ])('without the right +%s the step %s is unknown and names it', async (right, step) => {
    const queue = queueOf('mail')
    await queue.add('later', {}, { delay: 60_000 })
    await redis.cli('lpush', 'bull:mail:active', '1')
    const others = rights.filter((other) => other !== `+${right}`)
    await redis.cli('acl', 'setuser', 'poor', 'reset', 'on', `>${marker}`, ...others)
    const told = await tellerOf(['mail'], {}, { user: 'poor' }).tell(step)
    expect(told.step(step).outcome).toBe('unknown')
    expect(told.reason(step)).toContain(`the user poor lacks the right +${right}`)
  })

  test('a long queue is told until it shrinks, and so is a job that waits long', async () => {
    const mail = queueOf('mail')
    await mail.addBulk(Array.from({ length: 12 }, (_, index) => ({ name: 'hello', data: { index } })))
    const long = tellerOf(['mail'], { backlog: { max: 10 } })
    expect((await long.tell('backlog')).summaries('backlog')).toEqual([
      '12 jobs wait in mail and do not become fewer (limit 10)',
    ])
    expect(
      (await tellerOf(['mail'], { backlog: { max: 1 } }).tell('backlog')).step('backlog').findings[0],
    ).toMatchObject({
      severity: 'critical',
    })
    const worker = await work('mail')
    await until('one is done', async () => (await mail.getWaitingCount()) < 12)
    await worker.pause(true)
    expect((await long.tell('backlog')).step('backlog').outcome).toBe('ok')

    await mail.obliterate({ force: true })
    await mail.add('old', {}, { timestamp: Date.now() - 400_000 })
    expect((await tellerOf(['mail']).tell('backlog')).summaries('backlog')).toEqual([
      expect.stringMatching(
        /^the oldest job in mail has waited for 6 min \d+ s \(limit 5 min\), among 1 job$/,
      ),
    ])
  })

  test('the time before a delayed job was due does not count as waiting', async () => {
    const mail = queueOf('mail')
    const job = await mail.add('later', {}, { timestamp: Date.now() - 3_600_000, delay: 3_599_000 })
    await redis.cli('zrem', 'bull:mail:delayed', job.id ?? '')
    await redis.cli('lpush', 'bull:mail:wait', job.id ?? '')
    expect((await tellerOf(['mail']).tell('backlog')).step('backlog').outcome).toBe('ok')
  })

  test('delayed jobs that are overdue are told', async () => {
    const mail = queueOf('mail')
    await mail.add('later', {}, { delay: 1000 })
    await mail.add('tomorrow', {}, { delay: 86_400_000 })
    expect((await tellerOf(['mail']).tell('delayed')).step('delayed').outcome).toBe('ok')
    await mail.add('past', {}, { timestamp: Date.now() - 120_000, delay: 1000 })
    const told = await tellerOf(['mail']).tell('delayed')
    expect(told.summaries('delayed')).toEqual([
      expect.stringMatching(
        /^[12] delayed jobs? of mail are overdue, the first for (1 min 59 s|2 min( \d s)?) \(limit 1 min\)$/,
      ),
    ])
    expect(told.step('delayed').findings[0]).toMatchObject({ severity: 'critical' })
  })

  test('a job whose worker was killed is told once it has hung for a while', async () => {
    const mail = queueOf('mail')
    await mail.add('long', {})
    const child = spawn(process.execPath, [program, `${redis.port}`, 'mail', 'hangs'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const exited = once(child, 'exit')
    try {
      await once(child.stdout, 'data')
      const stuck = tellerOf(['mail'])
      expect((await stuck.tell('workers', 'stalled')).step('stalled').outcome).toBe('ok')
      child.kill('SIGKILL')
      await exited
      // The lock of a worker lasts 30 s.
      await redis.cli('del', 'bull:mail:1:lock')
      expect((await stuck.tell('stalled')).step('stalled').outcome).toBe('ok')
      age(stuck, 'stalled', 61_000)
      const told = await stuck.tell('stalled')
      expect(told.summaries('stalled')).toEqual([
        expect.stringMatching(/^1 job of mail hang without a worker for 1 min \d s \(limit 1 min\)$/),
      ])
      expect(told.step('stalled').findings[0]).toMatchObject({
        severity: 'critical',
        evidence: { workers: 0 },
      })
      expect((await stuck.tell('workers')).summaries('workers')).toEqual([
        'nobody works on the queue mail: 0 jobs wait, 1 were begun, and no worker is connected',
      ])
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  })

  test('many failed jobs are told by name, without their data or reason, and tried again on consent', async () => {
    const mail = queueOf('mail')
    await mail.addBulk(
      Array.from({ length: 25 }, (_, index) => ({ name: index < 20 ? 'good' : 'bad', data: { to: marker } })),
    )
    const worker = new Worker(
      'mail',
      async (job) => {
        if (job.name === 'bad') throw new Error(marker)
      },
      { connection: connection() },
    )
    open.unshift({ close: () => worker.close(true) })
    await until(
      'all have ended',
      async () => (await mail.getFailedCount()) === 5 && (await mail.getCompletedCount()) === 20,
    )
    await worker.close()
    const told = await tellerOf(['mail']).tell('failed')
    expect(told.summaries('failed')).toEqual(['5 of 25 jobs of mail failed within 10 min (20 %, limit 5 %)'])
    expect(told.step('failed').findings[0]).toMatchObject({
      severity: 'warning',
      evidence: { failed: 5, ended: 25, names: 'bad ×5' },
      cure: { consent: 'ask' },
    })
    expect(JSON.stringify(told.steps)).not.toContain(marker)
    expect((await tellerOf(['mail'], { failed: { least: 26 } }).tell('failed')).step('failed').outcome).toBe(
      'ok',
    )

    const admin = tellerOf(['mail'], {}, { user: undefined, password: undefined })
    await (await admin.tell('failed')).cure('failed/mail')
    expect(await mail.getJobCounts('failed', 'wait')).toEqual({ failed: 0, wait: 5 })
  })

  test('jobs that are removed once they are done are counted all the same', async () => {
    const mail = queueOf('mail')
    await mail.waitUntilReady()
    const watched = tellerOf(['mail'])
    await watched.tell('failed')
    const worker = new Worker(
      'mail',
      async (job) => {
        if (job.name === 'bad') throw new Error('no')
      },
      { connection: connection(), removeOnComplete: { count: 0 } },
    )
    open.unshift({ close: () => worker.close(true) })
    await mail.addBulk(
      Array.from({ length: 600 }, (_, index) => ({ name: index < 25 ? 'bad' : 'good', data: {} })),
    )
    await until(
      'all have ended',
      async () => (await mail.getFailedCount()) === 25 && (await mail.count()) === 0,
    )
    await until('none is begun', async () => (await mail.getActiveCount()) === 0)
    const told = await watched.tell('failed')
    expect(told.step('failed')).toMatchObject({
      outcome: 'ok',
      notes: [{ values: [25, { count: 600 }, 'mail', {}] }],
    })
  })

  test('a queue that is paused for long is told, and goes on if a person says so', async () => {
    const mail = queueOf('mail')
    await mail.pause()
    await mail.add('hello', {})
    const held = tellerOf(['mail'], {}, { user: undefined, password: undefined })
    expect((await held.tell('paused')).step('paused').outcome).toBe('ok')
    age(held, 'paused', 3_601_000)
    const told = await held.tell('paused')
    expect(told.summaries('paused')).toEqual([
      expect.stringMatching(/^the queue mail has been paused for 1 h \(limit 1 h\), 1 job wait$/),
    ])
    expect(told.step('paused').findings[0]).toMatchObject({ severity: 'warning', cure: { consent: 'ask' } })
    await told.cure('paused/mail')
    expect(await mail.isPaused()).toBe(false)
    expect((await held.tell('paused')).step('paused').outcome).toBe('ok')
  })

  test('a cure that its user may not run says so, without the password', async () => {
    const mail = queueOf('mail')
    await mail.pause()
    const held = tellerOf(['mail'], { paused: { after: '0s' } })
    await expect((await held.tell('paused')).cure('paused/mail')).rejects.toMatchObject({
      reason: { template: expect.stringContaining('its user may lack the right to run scripts') },
    })
    expect(await mail.isPaused()).toBe(true)
  })

  test('a scheduler whose time has passed is told with its name', async () => {
    const mail = queueOf('mail')
    await mail.upsertJobScheduler('tick', { every: 2000 }, { name: 'tick' })
    await mail.upsertJobScheduler('nightly', { pattern: '0 3 * * *' }, { name: 'nightly' })
    expect((await tellerOf(['mail']).tell('scheduler')).step('scheduler').outcome).toBe('ok')
    const ago = Date.now() - 120_000
    await redis.cli('zadd', 'bull:mail:repeat', ago, 'tick')
    const told = await tellerOf(['mail']).tell('scheduler')
    expect(told.summaries('scheduler')).toEqual([
      expect.stringMatching(/^the scheduler tick of mail is overdue for 2 min(?: \d s)? \(limit 1 min\)$/),
    ])
    await redis.cli('zadd', 'bull:mail:repeat', ago, 'nightly')
    expect((await tellerOf(['mail']).tell('scheduler')).step('scheduler').findings[0]).toMatchObject({
      evidence: { overdue: 1 },
    })
    const strict = tellerOf(['mail'], { scheduler: { pattern: '1m' } })
    expect((await strict.tell('scheduler')).summaries('scheduler')).toEqual([
      expect.stringMatching(/, and 1 more$/),
    ])
  })

  test('a Redis that may throw jobs away is told', async () => {
    const mail = queueOf('mail')
    await mail.waitUntilReady()
    await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect((await tellerOf(['mail']).tell('eviction')).step('eviction').outcome).toBe('ok')
    await redis.cli('config', 'set', 'maxmemory', '256mb')
    try {
      expect((await tellerOf(['mail']).tell('eviction')).summaries('eviction')).toEqual([
        'Redis throws keys away when its 256 MiB are full (maxmemory-policy allkeys-lru, expected noeviction): jobs vanish without a trace',
      ])
    } finally {
      await redis.cli('config', 'set', 'maxmemory', '0')
      await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction')
    }
  })

  test('a Redis that hangs is one problem', async () => {
    redis.freeze()
    try {
      const told = await tellerOf(['mail']).tell()
      expect(told.summaries('connect')[0]).toContain('accepts TCP but does not answer')
      expect(told.step('workers').outcome).toBe('skipped')
    } finally {
      redis.thaw()
    }
  })

  describeWith(['supervisor'], 'with its workers under supervisord', () => {
    const command = (manner: 'ends' | 'hangs', node = process.execPath) =>
      `${node} ${program} ${redis.port} mail ${manner}`

    test('a worker that fell is started again and does the jobs, one that a person stopped is left alone', async () => {
      const mail = queueOf('mail')
      await mail.add('hello', {})
      await using kept = await startFallenProgram('mail', command('ends'))
      const jobs = tellerOf(['mail'], {}, { worker: kept.option })
      await kept.mend()
      const told = await jobs.tell('workers')
      expect(told.step('workers').findings).toMatchObject([{ cure: { consent: 'auto' } }])
      expect((await jobs.round()).healed).toContain('workers/mail')
      await until('the job is done', async () => (await mail.getCompletedCount()) === 1)
      expect((await jobs.tell('workers')).step('workers').outcome).toBe('ok')

      await kept.stop()
      await mail.add('hello again', {})
      await expect((await jobs.tell('workers')).cure('workers/mail')).rejects.toMatchObject({
        reason: { template: 'somebody has stopped {0}, so it was left alone' },
      })
      expect(await kept.state()).toBe('STOPPED')
    })

    /** A job that has hung since its worker crashed. The lock of a worker lasts 30 s, so it is taken away. */
    const leaveStalled = async (mail: Queue, kept: KeptProgram) => {
      await mail.add('long', {})
      await until('it is begun', async () => (await mail.getActiveCount()) === 1)
      await kept.crash()
      const stuck = tellerOf(['mail'], {}, { worker: kept.option })
      await redis.cli('del', 'bull:mail:1:lock')
      expect((await stuck.tell('stalled')).step('stalled').outcome).toBe('ok')
      age(stuck, 'stalled', 61_000)
      return stuck
    }

    test('a job whose worker crashed is done by the one that is started', async () => {
      const mail = queueOf('mail')
      await using kept = await startKeptProgram('mail', { command: command('hangs') })
      const stuck = await leaveStalled(mail, kept)
      const found = await stuck.tell('stalled')
      expect(found.step('stalled').findings).toMatchObject([{ key: 'mail', cure: { consent: 'auto' } }])
      const round = await stuck.round()
      expect(round.healed.toSorted()).toEqual(['stalled/mail', 'workers/mail'])
      expect(round.step('stalled').outcome).toBe('ok')
      await until('the job is done', async () => (await mail.getCompletedCount()) === 1)
    })

    test('a worker whose program is gone is told as not to be started', async () => {
      const mail = queueOf('mail')
      await using dir = await makeTempDir()
      const node = join(dir.path, 'node')
      await symlink(process.execPath, node)
      await using kept = await startKeptProgram('mail', { command: command('hangs', node) })
      const stuck = await leaveStalled(mail, kept)
      await rm(node)
      const start = performance.now()
      const round = await stuck.round()
      expect(performance.now() - start).toBeLessThan(20_000)
      expect(round.healed).toEqual([])
      for (const problem of ['stalled/mail', 'workers/mail'])
        expect(round.tried(problem)).toEqual([
          {
            title: 'start mail with supervisord',
            result: 'failed',
            detail: 'supervisord refused it (fault 20)',
          },
        ])
      expect(await mail.getActiveCount()).toBe(1)
    })
  })
})
