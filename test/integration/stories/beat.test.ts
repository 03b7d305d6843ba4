import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import beat from '../../../stories/beat/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type CeleryApp, makeCeleryApp } from '../../support/servers/celery.ts'
import type { KeptProgram } from '../../support/servers/kept-program.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'
const redbeat = ['-S', 'redbeat.RedBeatScheduler', '--max-interval', '1'] as const

describeWith(['redis', 'celery'], 'beat with RedBeat', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let app: CeleryApp
  const url = (database = 1) => `${redis.url}/${database}`
  const often = { tick: { task: 'hzapp.add', schedule: 1 }, tock: { task: 'hzapp.add', schedule: 2 } }
  const seldom = { seldom: { task: 'hzapp.add', schedule: 90_000 } }
  /** A beat that is held up for longer than its lock lasts ends. */
  const appOn = (database: number, schedule: object = { ...often, ...seldom }, lockSeconds = 2) =>
    makeCeleryApp({
      broker: `${redis.url}/0`,
      settings: {
        ...{ redbeat_redis_url: url(database), redbeat_lock_timeout: lockSeconds, beat_schedule: schedule },
      },
      hasRedbeat: true,
    })

  beforeAll(async () => {
    redis = stack.use(await startRedis())
    for (const command of rightsOf(beat.guide, marker, '+zrem')) await redis.cli(...wordsOf(command))
    app = stack.use(await appOn(1, { ...often, ...seldom }, 60))
    stack.use(await app.beat('main', redbeat))
    await until('it has sent a task', () => redis.cli('llen', 'celery'))
  })
  afterAll(() => stack.disposeAsync())

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
        /^no beat has held the lock redbeat::lock for [\d.]+ m?s \(limit 0 ms\), and \d entries wait for one$/,
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
      expect.stringMatching(
        /^no beat has held the lock redbeat::lock for 2 min \d s \(limit 2 min\), and 1 /,
      ),
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
    // Which of them is due first is a matter of the second in which they were written.
    const left = await inDatabase(4, `return redis.call('zrange', 'redbeat::schedule', 0, -1)`)
    expect(new Set(left as string[])).toEqual(new Set(['redbeat:a', 'redbeat:b']))
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
    /** Waits until a step has no problem, breaks the program, and waits until the step has one. */
    const breakDown = async (watch: Watch, step: string, kept: KeptProgram) => {
      await until('all is well', async () => (await watch.tell(step)).step(step).outcome === 'ok')
      await kept.crash()
      const told = await until('it is told', async () => {
        const told = await watch.tell(step)
        return told.step(step).outcome === 'problem' && told
      })
      expect(told.step(step).findings).toMatchObject([{ cure: { consent: 'auto' } }])
    }
    type Watch = ReturnType<typeof tellerOf>

    test('a beat that fell is started again and works off what is late', async () => {
      await using own = await appOn(6)
      await using kept = await own.kept('beat', ['beat', '--pidfile=', ...redbeat])
      const watch = tellerOf({ url: url(6), beat: kept.option }, { overdue: { after: '2s' } })
      await breakDown(watch, 'overdue', kept)
      expect((await watch.round()).healed).toContain('overdue')
      await until(
        'nothing is late',
        async () => (await watch.tell('overdue')).step('overdue').outcome === 'ok',
      )
    })

    test('a beat that fell while nothing is due is started again for the lock, and holds it', async () => {
      await using own = await appOn(7, seldom)
      await using kept = await own.kept('beat', ['beat', '--pidfile=', ...redbeat])
      const watch = tellerOf({ url: url(7), beat: kept.option }, { lock: { absent: '0s' } })
      await breakDown(watch, 'lock', kept)
      const round = await watch.round()
      expect(round.healed).toEqual(['lock'])
      expect(round.alarms).toMatchObject([{ kind: 'healed', problem: 'lock', tried: [{ result: 'healed' }] }])
      expect(await kept.state()).toBe('RUNNING')
      expect(await inDatabase(7, `return redis.call('exists', 'redbeat::lock')`)).toBe(1)
    })
  })
})

describeWith(['redis', 'celery'], 'beat with the default scheduler', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  beforeAll(async () => {
    redis = stack.use(await startRedis())
  })
  afterAll(() => stack.disposeAsync())

  /** With a Python that finds no other database than its own, which writes at once, if `without` is all of them. */
  const appOf = (without: readonly string[]) =>
    makeCeleryApp({
      broker: `${redis.url}/0`,
      settings: { beat_schedule: { tick: { task: 'hzapp.add', schedule: 1 } } },
      without,
    })
  const others = ['_gdbm', '_dbm', 'dbm.sqlite3']
  /** Until it sends, and has written its schedule, which it does after the first task. */
  const sending = async () => {
    await redis.cli('del', 'celery')
    await until('it has sent two tasks', async () => Number(await redis.cli('llen', 'celery')) > 1)
  }
  /** As if all that was written to a schedule had been written so long ago. */
  const age = async (dir: string, seconds: number) => {
    for (const name of (await readdir(dir)).filter((name) => name.startsWith('celerybeat-schedule')))
      await utimes(join(dir, name), 0, Date.now() / 1000 - seconds)
  }

  test('a schedule that is not written any more is told, one that never was is not taken for well', async () => {
    await using app = await appOf(others)
    const file = join(app.dir, 'celerybeat-schedule')
    const watch = teller(beat, { file })
    const before = await watch.tell()
    expect(before.reason('file')).toBe(
      `there is no file ${file} on this host: beat was never there, or writes another`,
    )
    expect(before.outcomes()).toEqual({ connect: 'ok', file: 'unknown' })

    await using _ = await app.beat('plain', ['-s', file, '--max-interval', '1'])
    await sending()
    expect((await watch.tell()).step('file').outcome).toBe('ok')
    await age(app.dir, 660)
    expect((await watch.tell()).summaries('file')).toEqual([
      expect.stringMatching(/celerybeat-schedule for 11 min( \d s)? \(limit 10 min\)$/),
    ])
  })

  test('a schedule in a database that is written only at the end of beat is not judged', async () => {
    await using app = await appOf(others.filter((name) => name !== '_dbm'))
    const file = join(app.dir, 'celerybeat-schedule')
    await using _ = await app.beat('plain', ['-s', file, '--max-interval', '1'])
    await sending()
    await age(app.dir, 660)
    const told = await teller(beat, { file }).tell('file')
    expect(told.step('file').outcome).toBe('unknown')
    expect(told.reason('file')).toContain(`${file}.db is a Berkeley DB, which beat writes only when it stops`)
  })

  test('a schedule in SQLite, as Python has it from 3.13 on, is as young as its log', async () => {
    await using dir = await makeTempDir()
    const file = join(dir.path, 'celerybeat-schedule')
    await writeFile(file, '')
    await writeFile(`${file}-wal`, '')
    await age(dir.path, 660)
    const watch = teller(beat, { file })
    expect((await watch.tell('file')).step('file').outcome).toBe('problem')
    await writeFile(`${file}-wal`, 'x')
    expect((await watch.tell('file')).step('file').outcome).toBe('ok')
  })

  describeWith(['supervisor'], 'under supervisord', () => {
    test('a beat that fell is started again, and writes its schedule', async () => {
      await using app = await appOf(others)
      const file = join(app.dir, 'celerybeat-schedule')
      await using kept = await app.kept('beat', ['beat', '--pidfile=', '-s', file, '--max-interval', '1'])
      await sending()
      await kept.crash()
      await age(app.dir, 660)
      const round = await teller(beat, { file, beat: kept.option }).round()
      expect(round.healed).toEqual(['file'])
      expect(round.alarms).toMatchObject([{ kind: 'healed', problem: 'file', tried: [{ result: 'healed' }] }])
      expect(await kept.state()).toBe('RUNNING')
      await sending()
    })
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
