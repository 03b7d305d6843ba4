import { afterAll, beforeAll, expect, test } from 'vitest'
import celery from '../../../stories/celery/index.ts'
import { celeryTeller, marker } from '../../support/celery-teller.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type CeleryApp, makeCeleryApp } from '../../support/servers/celery.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { type Rabbitmq, startRabbitmq } from '../../support/servers/rabbitmq.ts'
import { until } from '../../support/servers/until.ts'

/** As the guide of the story gives them. */
const [command = ''] = rightsOf(celery.guide, marker, 'RabbitMQ')
const [configure, write, read] = wordsOf(command).slice(-3)
const rights = { configure, write, read }

// What freezes and alarms the broker cannot be done to the shared one.
describeWith(['rabbitmq', 'celery'], 'celery over RabbitMQ', () => {
  const stack = new AsyncDisposableStack()
  let rabbitmq: Rabbitmq
  let app: CeleryApp
  beforeAll(async () => {
    rabbitmq = stack.use(await startRabbitmq())
    await rabbitmq.api('PUT', '/api/users/healthz', { password: marker, tags: '' })
    await rabbitmq.api('PUT', '/api/permissions/%2F/healthz', rights)
    app = stack.use(await makeCeleryApp({ broker: `${rabbitmq.url}//` }))
  })
  afterAll(() => stack.disposeAsync())

  const tellerOf = celeryTeller(() => `amqp://127.0.0.1:${rabbitmq.port}`)

  test('where no worker has ever been, none answers and the queue is not taken for empty', async () => {
    const told = await tellerOf().tell()
    expect(told.summaries('ping')).toEqual(['no worker answers within 1 s'])
    expect(told.step('queue').outcome).toBe('unknown')
    expect(told.reason('queue')).toContain('the broker has no queue celery')
    expect(told.outcomes()).toMatchObject({ broker: 'ok', stalled: 'ok', uncovered: 'ok' })
    expect(told.steps).not.toHaveProperty('unacked-age')
  })

  test('a healthy application has no problem, with the documented rights and no more', async () => {
    stack.use(await app.worker('w1@hz', { pool: 'prefork' }))
    const told = await tellerOf(
      { expectWorkers: ['w1@hz'], taskMax: { '*': '1m' } },
      { registered: {} },
    ).tell()
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      broker: 'ok',
      ping: 'ok',
      queue: 'ok',
      stalled: 'ok',
      uncovered: 'ok',
      'long-task': 'ok',
      registered: 'ok',
    })
  })

  test('a watch over a healthy application leaves no queue and no connection behind', async () => {
    await tellerOf({ expectWorkers: ['w1@hz'] }).tell()
    // This list knows a connection as soon as it is open, unlike the figures of the management.
    const connections = '/api/connections/username/healthz'
    await until('its connections are gone', async () => {
      const listed = await rabbitmq.api('GET', connections)
      return Array.isArray(listed) && listed.length === 0
    })
    const queues = JSON.stringify(await rabbitmq.api('GET', '/api/queues'))
    expect(queues).toContain('w1@hz.celery.pidbox')
    expect(queues).not.toContain('reply.celery.pidbox')
  })

  test('a hung worker is connected and does not answer, a dead one is not there', async () => {
    const watch = tellerOf({ expectWorkers: ['w1@hz', 'w2@hz'] })
    await using other = await app.worker('w2@hz', { pool: 'prefork' })
    expect((await watch.tell('ping')).step('ping').outcome).toBe('ok')
    other.freeze()
    expect((await watch.tell('ping')).summaries('ping')).toEqual([
      'the worker w2@hz may be connected, but does not answer within 1 s',
    ])
    await other.kill()
    await until('it is not there', async () => {
      const told = await watch.tell('ping')
      return told.summaries('ping').join() === 'the worker w2@hz is not there'
    })
  })

  test('a queue that no worker takes is told by its length and as uncovered, and taken if a person says so', async () => {
    await app.run(`[add.apply_async(queue='idle') for i in range(12)]`)
    const watch = tellerOf({ queues: ['celery', 'idle'] }, { queue: { queues: { idle: 10 } } })
    await watch.tell('queue')
    await watch.tell('queue')
    const told = await watch.tell('queue', 'uncovered')
    expect(told.summaries('queue')).toEqual([
      expect.stringMatching(/^idle holds 12 tasks \(limit 10\), 0 more than /),
    ])
    expect(told.step('queue').findings[0]).toMatchObject({
      evidence: { waiting: 12, consumers: 0, slots: 1 },
    })
    expect(told.summaries('uncovered')).toEqual(['idle holds 12 tasks, and none of 1 worker takes them'])
    await told.cure('uncovered/idle')
    const after = await until('the queue is empty', async () => {
      const told = await watch.tell('queue', 'uncovered')
      return told.step('queue').outcome === 'ok' && told
    })
    expect(after.step('uncovered').outcome).toBe('ok')
  })

  test('a user without a right is told so, and nothing is taken for well', async () => {
    await rabbitmq.api('PUT', '/api/permissions/%2F/healthz', { configure: '^$', write: '^$', read: '^$' })
    try {
      const told = await tellerOf().tell()
      for (const step of ['broker', 'ping', 'stalled', 'uncovered'])
        expect([step, told.step(step).outcome]).toEqual([step, 'unknown'])
      expect(told.reason('ping')).toContain('the user healthz may not ask the workers')
    } finally {
      await rabbitmq.api('PUT', '/api/permissions/%2F/healthz', rights)
    }
  })

  test('what keeps it from logging in is told, without the password', async () => {
    const place = `127.0.0.1:${rabbitmq.port}`
    await using web = await startHttpReceiver()
    const kinds = {
      'auth-failed': { password: `${marker}-wrong` },
      'auth-missing': { user: undefined, password: undefined },
      'not-found': { broker: `amqp://${place}/nowhere` },
      'tls-plain': { broker: `amqps://${place}` },
      protocol: { broker: `amqp://127.0.0.1:${web.port}` },
      refused: { broker: 'amqp://127.0.0.1:1' },
    }
    for (const [kind, options] of Object.entries(kinds)) {
      const told = await tellerOf(options).tell()
      expect(told.kinds()).toEqual([['connect', kind]])
      expect(JSON.stringify(told)).not.toContain(marker)
    }
  })

  test('a broker short of memory takes no tasks: that is told, and no worker is blamed', async () => {
    await rabbitmq.ctl('set_vm_memory_high_watermark', '0.00001')
    const watch = tellerOf({ expectWorkers: ['w1@hz'] })
    try {
      const told = await until('publishers are blocked', async () => {
        const told = await watch.tell('broker', 'ping', 'queue')
        return told.step('broker').outcome === 'problem' && told
      })
      expect(told.summaries('broker')).toEqual([
        `no task can be sent: 127.0.0.1:${rabbitmq.port} refuses writes: it is short of memory or disk and takes no messages`,
      ])
      expect(told.outcomes()).toMatchObject({ ping: 'unknown', queue: 'ok' })
    } finally {
      await rabbitmq.ctl('set_vm_memory_high_watermark', '0.6')
    }
    await until('all is well again', async () => {
      const told = await watch.tell('broker', 'ping')
      return told.step('broker').outcome === 'ok' && told.step('ping').outcome === 'ok'
    })
  })

  test('a broker that hangs is one problem, told within 5 s', async () => {
    const watch = tellerOf()
    rabbitmq.freeze()
    const start = performance.now()
    const told = await watch.tell()
    rabbitmq.thaw()
    expect(told.kinds()).toEqual([['connect', 'timeout-reply']])
    expect(performance.now() - start).toBeLessThan(5000)
  })
})
