import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import beat from '../../../stories/beat/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type CeleryApp, makeCeleryApp } from '../../support/servers/celery.ts'
import type { ServerProcess } from '../../support/servers/process.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { startSupervisor } from '../../support/servers/supervisor.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'
const redbeat = ['-S', 'redbeat.RedBeatScheduler', '--max-interval', '1'] as const

describeWith(['redis', 'celery'], 'beat with RedBeat', () => {
  let redis: Redis
  let app: CeleryApp
  let running: ServerProcess
  const url = (database = 1) => `${redis.url}/${database}`
  const settingsOf = (database: number) => ({
    redbeat_redis_url: url(database),
    redbeat_lock_timeout: 2,
    beat_schedule: {
      tick: { task: 'hzapp.add', schedule: 1 },
      tock: { task: 'hzapp.add', schedule: 2 },
      seldom: { task: 'hzapp.add', schedule: 90_000 },
    },
  })
  const appOn = (database: number) =>
    makeCeleryApp({ broker: `${redis.url}/0`, settings: settingsOf(database), hasRedbeat: true })

  beforeAll(async () => {
    redis = await startRedis()
    for (const command of rightsOf(beat.guide, marker, '+zrem')) await redis.cli(...wordsOf(command))
    app = await appOn(1)
    running = await app.beat('main', redbeat)
    await until('it has sent a task', () => redis.cli('llen', 'celery'))
  })
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]()
    await app?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
  })

  const tellerOf = (
    more: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(beat, { url: url(), user: 'healthz', password: marker, maxInterval: '1s', ...more }, steps)

  /** Commands in the database of a schedule. */
  const inDatabase = (database: number, lines: string) =>
    redis.cli('eval', `redis.call('select', ${database}) ${lines}`, 0)

  /** An entry as RedBeat keeps it; `due` in seconds from now. */
  const entry = (name: string, { due = 0, isEnabled = true, lastRun = null as number | null } = {}) => {
    const definition = {
      name,
      task: 'hzapp.add',
      args: [marker],
      kwargs: {},
      options: {},
      schedule: { __type__: 'interval', every: 60, relative: false },
      enabled: isEnabled,
    }
    const at = lastRun === null ? null : momentOf(Date.now() + lastRun * 1000)
    const [key, score] = [`redbeat:${name}`, Math.floor(Date.now() / 1000) + due]
    return (
      `redis.call('hset', '${key}', 'definition', '${JSON.stringify(definition)}', 'meta', '${JSON.stringify({ last_run_at: at })}') ` +
      `redis.call('zadd', 'redbeat::schedule', ${score}, '${key}') `
    )
  }

  test('a healthy beat has no problem, with the documented rights and no more', async () => {
    const told = await tellerOf({ expectEntries: 3 }).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      overdue: 'ok',
      lock: 'ok',
      'lock-flapping': 'ok',
      progress: 'ok',
      ghost: 'ok',
      shrunk: 'ok',
      eviction: 'ok',
    })
  })

  test('an entry that was switched off stays due in the past, and is no problem', async () => {
    await app.run(`
from celery.schedules import schedule
from redbeat import RedBeatSchedulerEntry
entry = RedBeatSchedulerEntry('off', 'hzapp.add', schedule(run_every=2), app=app)
entry.save()
entry.enabled = False
entry.save()`)
    await inDatabase(1, `return redis.call('zadd', 'redbeat::schedule', 1000, 'redbeat:off')`)
    const told = await tellerOf({}, { overdue: { after: '5s' } }).tell('overdue')
    expect(told.step('overdue').outcome).toBe('ok')
    await inDatabase(
      1,
      `redis.call('zrem', 'redbeat::schedule', 'redbeat:off') return redis.call('del', 'redbeat:off')`,
    )
  })

  test('a hung beat loses its lock and its tasks are late, and both are told', async () => {
    await using own = await appOn(2)
    await using hung = await own.beat('hung', redbeat)
    const watch = tellerOf({ url: url(2) }, { overdue: { after: '2s' }, lock: { absent: '0s' } })
    await until('it holds the lock', async () => (await watch.tell('lock')).step('lock').outcome === 'ok')
    hung.freeze()
    const told = await until('the lock has run out', async () => {
      const told = await watch.tell('lock', 'overdue')
      return told.step('lock').outcome === 'problem' && told.step('overdue').outcome === 'problem' && told
    })
    expect(told.summaries('lock')).toEqual([
      expect.stringMatching(
        /^no beat has held the lock redbeat::lock for \d+ ms \(limit 0 ms\), and \d entries wait for one$/,
      ),
    ])
    expect(told.summaries('overdue')).toEqual([
      expect.stringMatching(
        /^\d periodic tasks? did not run when due: t[io]ck is [\d.]+ s late \(limit 2 s\)$/,
      ),
    ])
    expect(told.step('overdue').findings[0]).toMatchObject({ severity: 'critical' })
    await hung.kill()
    await using next = await own.beat('next', redbeat)
    await until('all is well', async () => {
      const told = await watch.tell('lock', 'overdue')
      return next.isRunning() && Object.values(told.outcomes()).every((outcome) => outcome === 'ok')
    })
  })

  test('a lock that is gone for a moment only is a hand-over', async () => {
    await inDatabase(3, `${entry('a', { due: 60 })} return 1`)
    const watch = tellerOf({ url: url(3) })
    expect((await watch.tell('lock')).step('lock').outcome).toBe('ok')
    const sample = watch.samples['lock']
    watch.samples = { lock: { at: 0, value: Number(sample?.value) - 121_000 } }
    expect((await watch.tell('lock')).summaries('lock')).toEqual([
      expect.stringMatching(/^no beat has held the lock redbeat::lock for 2 min 1 s \(limit 2 min\), and 1 /),
    ])
    expect((await tellerOf({ url: url(3), lock: false }).tell()).steps).not.toHaveProperty('lock')
  })

  test('a lock that never ends is told at once', async () => {
    await inDatabase(3, `return redis.call('set', 'redbeat::lock', 'token')`)
    const told = await tellerOf({ url: url(3) }).tell('lock')
    expect(told.summaries('lock')[0]).toContain('the lock redbeat::lock never ends')
    expect(told.cures.size).toBe(0)
  })

  test('a lock that goes from beat to beat is told, without its token', async () => {
    const watch = tellerOf({ url: url(3) })
    for (const token of ['one', 'two', 'three', 'four']) {
      expect((await watch.tell('lock-flapping')).step('lock-flapping').outcome).toBe('ok')
      await inDatabase(3, `return redis.call('set', 'redbeat::lock', '${token}')`)
    }
    expect((await watch.tell('lock-flapping')).summaries('lock-flapping')).toEqual([
      'the lock went to another beat 4 times within 1 h (limit 3)',
    ])
    expect(JSON.stringify(watch.samples)).not.toContain('four')
  })

  test('a schedule that goes on while nothing is sent is told', async () => {
    await inDatabase(
      4,
      `${entry('a', { due: 30, lastRun: -900 })} ${entry('b', { due: 30, lastRun: -1000 })} return 1`,
    )
    const watch = tellerOf({ url: url(4) })
    expect((await watch.tell('progress')).summaries('progress')).toEqual([
      expect.stringMatching(
        /^none of 2 frequent tasks was sent for 15 min( \d s)? \(limit 10 min\), although the schedule goes on$/,
      ),
    ])
    await inDatabase(4, `${entry('a', { due: 30, lastRun: -9 })} return 1`)
    expect((await watch.tell('progress')).step('progress').outcome).toBe('ok')
  })

  test('an entry without its definition is told, and removed if a person says so', async () => {
    await inDatabase(
      4,
      `return redis.call('zadd', 'redbeat::schedule', ${Math.floor(Date.now() / 1000) + 900}, 'redbeat:lost')`,
    )
    const watch = tellerOf({ url: url(4) })
    const told = await watch.tell('ghost', 'overdue')
    expect(told.summaries('ghost')).toEqual([
      '1 entry of the schedule lost the definition and will never run again: lost',
    ])
    expect(told.step('ghost').findings).toMatchObject([{ severity: 'warning', cure: { consent: 'ask' } }])
    await told.cure('ghost')
    expect(await inDatabase(4, `return redis.call('zrange', 'redbeat::schedule', 0, -1)`)).toEqual([
      'redbeat:a',
      'redbeat:b',
    ])
    expect((await watch.tell('ghost')).step('ghost').outcome).toBe('ok')
  })

  test('a schedule that lost most of its entries is told', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    await inDatabase(5, `${names.map((name) => entry(name, { due: 60 })).join('')} return 1`)
    const watch = tellerOf({ url: url(5) })
    expect((await watch.tell('shrunk')).step('shrunk').outcome).toBe('ok')
    await inDatabase(
      5,
      `return redis.call('zrem', 'redbeat::schedule', 'redbeat:a', 'redbeat:b', 'redbeat:c')`,
    )
    expect((await watch.tell('shrunk')).summaries('shrunk')).toEqual([
      'the schedule has 2 entries left of 5 within a day',
    ])
    const told = await tellerOf({ url: url(5), expectEntries: 3 }).tell('shrunk')
    expect(told.summaries('shrunk')).toEqual(['the schedule has 2 entries (expected 3)'])
    await inDatabase(5, `return redis.call('flushdb')`)
    expect((await watch.tell('shrunk')).summaries('shrunk')).toEqual([
      'the schedule has 0 entries left of 5 within a day',
    ])
  })

  test('a Redis that may evict the schedule is told', async () => {
    await redis.cli('config', 'set', 'maxmemory', '100mb')
    await redis.cli('config', 'set', 'maxmemory-policy', 'volatile-lru')
    const watch = tellerOf()
    expect((await watch.tell('eviction')).step('eviction').outcome).toBe('ok')
    await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    expect((await watch.tell('eviction')).summaries('eviction')[0]).toContain(
      'with maxmemory-policy allkeys-lru',
    )
    await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction')
  })

  test('a schedule that was never there is not taken for an empty one', async () => {
    const told = await tellerOf({ url: url(9) }).tell()
    for (const step of ['overdue', 'lock', 'progress', 'ghost', 'shrunk'])
      expect([step, told.step(step).outcome]).toEqual([step, 'unknown'])
    expect(told.reason('overdue')).toContain('there is no schedule under redbeat::schedule')
  })

  test('a user without a right is told which, and nothing is taken for well', async () => {
    await redis.cli('acl', 'setuser', 'poor', 'on', `>${marker}`, 'allkeys', '-@all', '+ping', '+select')
    const told = await tellerOf({ user: 'poor' }).tell()
    for (const step of ['overdue', 'lock', 'lock-flapping', 'progress', 'ghost', 'shrunk', 'eviction'])
      expect([step, told.step(step).outcome]).toEqual([step, 'unknown'])
    expect(told.reason('eviction')).toContain('the user poor lacks the right +info')
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test('a Redis that hangs or is dead is one problem', async () => {
    await using victim = await startRedis()
    const watch = teller(beat, { url: victim.url })
    victim.freeze()
    expect((await watch.tell()).kinds()).toEqual([['connect', 'timeout-reply']])
    await victim.kill()
    expect((await watch.tell()).kinds()).toEqual([['connect', 'refused']])
  })

  describeWith(['supervisor'], 'under supervisord', () => {
    test('a beat that fell is started again and works off what is late', async () => {
      await using own = await appOn(6)
      const environment = Object.entries(own.env).map(([name, value]) => `${name}='${value}'`)
      await using supervisor = await startSupervisor({
        programs: `
[program:beat]
command=${own.python} -m celery -A hzapp beat --pidfile= ${redbeat.join(' ')}
directory=${own.dir}
environment=${environment.join()}
autorestart=false
startsecs=1
`,
      })
      const watch = tellerOf(
        {
          url: url(6),
          beat: {
            supervisor: `unix://${supervisor.socket}`,
            user: supervisor.user,
            password: supervisor.password,
            program: 'beat',
          },
        },
        { overdue: { after: '2s' } },
      )
      await until(
        'it runs',
        async () => (await watch.tell('lock', 'overdue')).step('overdue').outcome === 'ok',
      )
      const pid = await until('supervisord counts it as running', async () => {
        const found = await supervisor.rpc('supervisor.getProcessInfo', 'beat')
        const { statename, pid } = found as { statename: string; pid: number }
        return statename === 'RUNNING' && pid
      })
      process.kill(pid, 'SIGKILL')
      const told = await until('its tasks are late', async () => {
        const told = await watch.tell('overdue')
        return told.step('overdue').outcome === 'problem' && told
      })
      expect(told.step('overdue').findings).toMatchObject([{ cure: { consent: 'auto' } }])
      expect((await watch.round()).healed).toContain('overdue')
      await until(
        'nothing is late',
        async () => (await watch.tell('overdue')).step('overdue').outcome === 'ok',
      )
    })
  })
})

describeWith(['redis', 'celery'], 'beat with the default scheduler', () => {
  test('a schedule that is not written any more is told, one that never was is not taken for well', async () => {
    await using redis = await startRedis()
    await using app = await makeCeleryApp({
      broker: `${redis.url}/0`,
      settings: { beat_schedule: { tick: { task: 'hzapp.add', schedule: 1 } } },
    })
    const file = join(app.dir, 'celerybeat-schedule')
    const watch = teller(beat, { file })
    const before = await watch.tell()
    expect(before.reason('file')).toBe(
      `there is no file ${file} on this host: beat was never there, or writes another`,
    )
    expect(before.outcomes()).toEqual({ connect: 'ok', file: 'unknown' })

    await using _ = await app.beat('plain', ['-s', file, '--max-interval', '1'])
    await until('it has sent a task', () => redis.cli('llen', 'celery'))
    expect((await watch.tell()).step('file').outcome).toBe('ok')
    for (const ending of ['', '.db', '.dat', '.dir']) {
      await utimes(file + ending, 0, Date.now() / 1000 - 660).catch(() => {}) // Python's choice of the format
    }
    expect((await watch.tell()).summaries('file')).toEqual([
      expect.stringMatching(/celerybeat-schedule for 11 min( \d s)? \(limit 10 min\)$/),
    ])
  })
})

function momentOf(at: number) {
  const date = new Date(at)
  return {
    __type__: 'datetime',
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    microsecond: 0,
    timezone: 0,
  }
}
