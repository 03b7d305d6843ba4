import { afterAll, beforeAll, expect, test } from 'vitest'
import celery from '../../../stories/celery/index.ts'
import { celeryTeller, marker } from '../../support/celery-teller.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type CeleryApp, childrenOf, makeCeleryApp } from '../../support/servers/celery.ts'
import type { KeptProgram } from '../../support/servers/kept-program.ts'
import type { ServerProcess } from '../../support/servers/process.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, teller } from '../../support/teller.ts'

/** As the guide of the story gives them, with the queues of these tests. */
const commands = rightsOf(celery.guide, marker, 'Redis').map((command) =>
  command.replace(
    '~mail ~mail?*',
    ['idle', 'solo', 'slow'].map((queue) => `~${queue} ~${queue}?*`).join(' '),
  ),
)

describeWith(['redis', 'celery'], 'celery over Redis', () => {
  const stack = new AsyncDisposableStack()
  let redis: Redis
  let app: CeleryApp
  let worker: ServerProcess
  beforeAll(async () => {
    redis = stack.use(await startRedis())
    for (const command of commands) await redis.cli(...wordsOf(command))
    app = stack.use(await makeCeleryApp({ broker: `${redis.url}/0` }))
    worker = stack.use(await app.worker('w1@hz', { pool: 'prefork', concurrency: 1 }))
  })
  afterAll(() => stack.disposeAsync())

  // Whoever answers is waited for, and no longer; where one shall be silent, that costs the whole time.
  const tellerOf = celeryTeller(() => `${redis.url}/0`, '5s')

  test('a healthy application has no problem, with the documented rights and no more', async () => {
    const told = await tellerOf(
      { expectWorkers: ['w1@hz'], taskMax: { '*': '1m' } },
      { registered: {}, 'pidbox-litter': {} },
    ).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      broker: 'ok',
      ping: 'ok',
      queue: 'ok',
      stalled: 'ok',
      uncovered: 'ok',
      'unacked-age': 'ok',
      'long-task': 'ok',
      registered: 'ok',
      'pidbox-litter': 'ok',
    })
    expect(await redis.cli('keys', '*.reply.celery.pidbox')).toEqual([])
    expect(await redis.cli('scard', '_kombu.binding.reply.celery.pidbox')).toBe(0)
  })

  test('a hung worker does not answer although it is connected, and answers when it goes on', async () => {
    const watch = tellerOf({ expectWorkers: ['w1@hz'], answerWithin: '1s' })
    worker.freeze()
    const told = await watch.tell('ping', 'uncovered', 'stalled', 'broker')
    worker.thaw()
    expect(told.summaries('ping')).toEqual([
      'no worker answers within 1 s, with 1 worker connected to the broker (expected: w1@hz)',
    ])
    expect(told.step('ping').findings[0]).toMatchObject({
      severity: 'critical',
      evidence: { answered: 0, connected: 1 },
    })
    expect(told.outcomes()).toMatchObject({ broker: 'ok', stalled: 'ok' })
    await until('it answers', async () => (await watch.tell('ping')).step('ping').outcome === 'ok')
  })

  test('a worker that is expected and not there is told beside one that answers', async () => {
    const told = await tellerOf({ expectWorkers: ['w1@hz', 'w2@hz'], minWorkers: 3 }).tell('ping')
    expect(told.summaries('ping')).toEqual([
      'the worker w2@hz is not there',
      'only 1 worker answered (at least 3 expected)',
    ])
    expect(told.step('ping').findings.map(({ severity }) => severity)).toEqual(['warning', 'warning'])
  })

  test('tasks of all priorities count, and a queue is told when it is long and does not shrink', async () => {
    await app.run(`for p in (0, 3, 6, 9):
  for i in range(3): add.apply_async(queue='idle', priority=p)`)
    expect(await redis.cli('llen', 'idle')).toBe(3)
    const watch = tellerOf({ queues: ['idle'] }, { queue: { max: 10 } })
    expect((await watch.tell('queue')).step('queue').outcome).toBe('ok')
    expect((await watch.tell('queue')).step('queue').outcome).toBe('ok')
    const told = await watch.tell('queue')
    expect(told.summaries('queue')).toEqual([
      expect.stringMatching(/^idle holds 12 tasks \(limit 10\), 0 more than /),
    ])
    expect(told.step('queue').findings[0]).toMatchObject({
      severity: 'warning',
      evidence: { waiting: 12, handedOut: 0, slots: 1 },
    })
    await redis.cli('rpop', 'idle')
    expect((await watch.tell('queue')).step('queue').outcome).toBe('ok')
  })

  test('a queue with tasks that no worker takes is told, and a worker takes it if a person says so', async () => {
    const watch = tellerOf({ queues: ['celery', 'idle'] })
    const told = await watch.tell('uncovered')
    expect(told.summaries('uncovered')).toEqual(['idle holds 11 tasks, and none of 1 worker takes them'])
    expect(told.step('uncovered').findings[0]).toMatchObject({
      severity: 'critical',
      cure: { consent: 'ask' },
    })
    await told.cure('uncovered/idle')
    await until('the queue is empty', async () => (await redis.cli('llen', 'idle')) === 0)
    expect((await watch.tell('uncovered')).step('uncovered').outcome).toBe('ok')
  })

  test('with a silent worker nobody can say that a queue has none', async () => {
    await using other = await app.worker('w2@hz', { queues: ['slow'] })
    await app.run(`add.apply_async(queue='solo')`)
    other.freeze()
    const told = await tellerOf({ queues: ['solo'], answerWithin: '1s' }).tell('uncovered')
    expect(told.step('uncovered').outcome).toBe('unknown')
    expect(told.reason('uncovered')).toBe(
      '1 worker connected without an answer, which may take the tasks of solo',
    )
    await redis.cli('del', 'solo')
  })

  test('workers that answer and begin no task are told once it lasted', async () => {
    const watch = tellerOf()
    expect((await watch.tell('stalled')).step('stalled').outcome).toBe('ok')
    const pool = await childrenOf(worker.pid())
    for (const pid of pool) process.kill(pid, 'SIGSTOP')
    try {
      await app.run('for i in range(12): add.delay()')
      const first = await until('tasks wait behind those handed out', async () => {
        const told = await watch.tell('stalled', 'ping')
        return watch.samples['stalled']?.value !== null && told
      })
      expect(first.outcomes()).toMatchObject({ stalled: 'ok', ping: 'ok' })
      age(watch, 'stalled', 301_000)
      const told = await watch.tell('stalled')
      expect(told.summaries('stalled')).toEqual([
        expect.stringMatching(
          /^no task was begun for 5 min \d s \(limit 5 min\), with \d+ tasks waiting and 1 worker answering$/,
        ),
      ])
      expect(told.step('stalled').findings[0]).toMatchObject({ severity: 'critical' })
    } finally {
      for (const pid of pool) process.kill(pid, 'SIGCONT')
    }
    await until('the tasks are done', async () => (await redis.cli('hlen', 'unacked')) === 0)
    expect((await watch.tell('stalled')).step('stalled').outcome).toBe('ok')
  })

  test('a solo worker that is silent at work is no problem while its queue moves', async () => {
    await using solo = await app.worker('solo@hz', { queues: ['solo'] })
    const expected = { expectWorkers: ['w1@hz', 'solo@hz'], queues: ['solo'] }
    const watch = tellerOf({ ...expected, answerWithin: '1s' })
    await until('both answer', async () => (await watch.tell('ping')).step('ping').outcome === 'ok')
    await app.run(`slow.apply_async([20], queue='solo')`)
    await until('the task is at work', () => redis.cli('hlen', 'unacked'))
    const told = await watch.tell('ping')
    expect(told.step('ping').outcome).toBe('ok')
    await app.run(`[add.apply_async(queue='solo') for i in range(9)]`)
    expect((await watch.tell('ping')).step('ping').outcome).toBe('ok')
    expect((await watch.tell('ping')).summaries('ping')).toEqual([
      'the worker solo@hz may be connected, but does not answer within 1 s',
    ])
    await solo.kill()
    await redis.cli('del', 'solo', 'unacked', 'unacked_index')
    expect((await watch.tell('ping')).summaries('ping')).toEqual(['the worker solo@hz is not there'])
  })

  test('a task that runs too long is told without its arguments', async () => {
    const watch = tellerOf({ taskMax: { 'hzapp.slow': '1s', '*': '1h' } })
    const send = `slow.apply_async([3.5], kwargs={}, task_id='long-one', headers={'x': '${marker}'})`
    // It is looked for while its sender has not ended yet: on a busy machine that may take as long as the task.
    const [told] = await Promise.all([
      until('it has run for a second', async () => {
        const told = await watch.tell('long-task')
        return told.step('long-task').outcome === 'problem' && told
      }),
      app.run(send),
    ])
    expect(told.summaries('long-task')).toEqual([
      expect.stringMatching(/^hzapp\.slow has been running for [\d.]+ s on w1@hz \(limit 1 s\)$/),
    ])
    expect(told.step('long-task').findings[0]).toMatchObject({
      key: 'long-one',
      evidence: { task: 'hzapp.slow', worker: 'w1@hz', pid: expect.any(Number) },
    })
    expect(JSON.stringify(told.steps)).not.toMatch(/3\.5\]|args/)
    await until('it is done', async () => (await watch.tell('long-task')).step('long-task').outcome === 'ok')
  })

  test('a task that nobody restores is told by its age; one with an eta in time is not', async () => {
    const hours = (ago: number) => Math.floor(Date.now() / 1000) - ago * 3600
    await redis.cli('zadd', 'unacked_index', hours(1), 'tag')
    await redis.cli('hset', 'unacked', 'tag', '{}')
    try {
      // As the workers have it: else one of theirs would restore it.
      expect((await tellerOf().tell('unacked-age')).step('unacked-age').outcome).toBe('ok')
      const short = { visibilityTimeout: '30m' }
      const told = await tellerOf(short).tell('unacked-age')
      expect(told.summaries('unacked-age')).toEqual([
        expect.stringMatching(
          /^a task has been handed out for 1 h( \d s)? and not acknowledged \(limit 40 min\)$/,
        ),
      ])
      const ahead = await tellerOf(short, { 'unacked-age': { etaMax: '2h' } }).tell('unacked-age')
      expect(ahead.step('unacked-age').outcome).toBe('ok')
    } finally {
      await redis.cli('del', 'unacked_index', 'unacked')
    }
  })

  test('workers of one queue with different tasks are told', async () => {
    await using newer = await makeCeleryApp({ broker: `${redis.url}/0`, tasks: ['hzapp.newer'] })
    await using _ = await newer.worker('w9@hz')
    const told = await tellerOf({}, { registered: {} }).tell('registered')
    expect(told.summaries('registered')).toEqual([
      '1 of 2 workers of celery do not know all of its tasks: w1@hz lacks hzapp.newer',
    ])
  })

  test('what those who ask leave behind is counted', async () => {
    const table = '_kombu.binding.reply.celery.pidbox'
    await redis.cli('sadd', table, ...Array.from({ length: 150 }, (_, index) => `left${index}`))
    const told = await tellerOf({}, { 'pidbox-litter': {} }).tell('pidbox-litter')
    expect(told.summaries('pidbox-litter')[0]).toContain('150 return addresses of questions')
    await redis.cli('del', table)
  })

  test('a prefix of keys and another database are heeded', async () => {
    await using own = await makeCeleryApp({
      broker: `${redis.url}/3`,
      settings: { broker_transport_options: { global_keyprefix: 'app1.' } },
    })
    await using _ = await own.worker('p@hz')
    await own.run(`add.apply_async(queue='later')`)
    const told = await teller(celery, {
      broker: `${redis.url}/3`,
      keyPrefix: 'app1.',
      queues: ['later'],
      answerWithin: '1s',
    }).tell()
    expect(told.step('ping').outcome).toBe('ok')
    expect(told.summaries('uncovered')).toEqual(['later holds 1 task, and none of 1 worker takes them'])
  })

  test('a user without a right is told which, and nothing is taken for well', async () => {
    await redis.cli(
      'acl',
      'setuser',
      'poor',
      'on',
      `>${marker}`,
      'allkeys',
      'resetchannels',
      '-@all',
      '+ping',
      '+select',
      '+llen',
      '+sadd',
      '+srem',
      '+del',
      '+publish',
    )
    const told = await tellerOf({ user: 'poor' }).tell()
    for (const step of ['broker', 'ping', 'queue', 'stalled', 'uncovered', 'unacked-age']) {
      expect([step, told.step(step).outcome]).toEqual([step, 'unknown'])
    }
    expect(told.reason('ping')).toContain('the user poor may not use PUBLISH on this key or channel')
    expect(told.reason('queue')).toContain('the user poor lacks the right +hlen')
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test('a broker that takes no writes is told: no task can be sent', async () => {
    await using replica = await startRedis({ replicaOf: redis })
    const told = await teller(celery, { broker: `${replica.url}/0`, answerWithin: '1s' }).tell()
    expect(told.summaries('broker')).toEqual([
      expect.stringMatching(/^no task can be sent: .*it is a replica/),
    ])
    expect(told.step('ping').outcome).toBe('unknown')
  })

  describeWith(['supervisor'], 'with its workers under supervisord', () => {
    let kept: KeptProgram
    beforeAll(async () => {
      const args = ['worker', '-n', 'w3@hz', '-c', '1', '-Q', 'slow', '--without-gossip', '--without-mingle']
      const ends = { stopwaitsecs: 2, stopasgroup: true, killasgroup: true }
      kept = stack.use(await app.kept('w3', args, { autostart: false, ...ends }))
    })

    const watchOf = (options: Record<string, unknown>) =>
      tellerOf({ ...options, programs: [{ ...kept.option, workers: ['w3@*'] }] })

    test('a worker that fell is started, one that a person stopped is not', async () => {
      const watch = watchOf({ expectWorkers: ['w1@hz', 'w3@hz'] })
      const stopped = await watch.tell('ping')
      await expect(stopped.cure('ping/w3@hz')).rejects.toMatchObject({
        reason: { template: 'somebody has stopped {0}, so it was left alone' },
      })
      await kept.start()
      await until('it answers', async () => (await watch.tell('ping')).step('ping').outcome === 'ok')
      await kept.crash()
      const told = await until('it is missed', async () => {
        const told = await watch.tell('ping')
        return told.step('ping').outcome === 'problem' && told
      })
      expect(told.step('ping').findings).toMatchObject([{ key: 'w3@hz', cure: { consent: 'auto' } }])
      expect((await watch.round()).healed).toEqual(['ping/w3@hz'])
      await until('it answers again', async () => (await watch.tell('ping')).step('ping').outcome === 'ok')
    })

    test('a worker that begins no task is restarted if a person says so, and goes on', async () => {
      const watch = watchOf({ queues: ['slow'] })
      for (const pid of await childrenOf(await kept.pid())) process.kill(pid, 'SIGSTOP')
      await app.run(`[add.apply_async(queue='slow') for i in range(12)]`)
      await until('tasks wait behind those handed out', async () => {
        await watch.tell('stalled')
        return watch.samples['stalled']?.value !== null
      })
      age(watch, 'stalled', 301_000)
      const told = await watch.tell('stalled')
      expect(told.step('stalled').findings).toMatchObject([{ cure: { consent: 'ask' } }])
      await told.cure('stalled')
      await until('the tasks are done', async () => (await redis.cli('llen', 'slow')) === 0)
      expect((await watch.tell('stalled')).step('stalled').outcome).toBe('ok')
    })
  })

  test('a broker that hangs or is dead is one problem', async () => {
    await using victim = await startRedis()
    const watch = teller(celery, { broker: `${victim.url}/0`, answerWithin: '1s' })
    victim.freeze()
    expect((await watch.tell()).kinds()).toEqual([['connect', 'timeout-reply']])
    await victim.kill()
    expect((await watch.tell()).kinds()).toEqual([['connect', 'refused']])
  })
})

/** Makes a step believe that what it remembers began so much earlier. */
function age(
  watch: Teller<unknown, unknown> | { samples: Teller<unknown, unknown>['samples'] },
  step: string,
  ms: number,
) {
  const sample = watch.samples[step]
  const value = sample?.value as { since: number }
  watch.samples = {
    ...watch.samples,
    [step]: { at: sample?.at ?? 0, value: { ...value, since: value.since - ms } },
  }
}
