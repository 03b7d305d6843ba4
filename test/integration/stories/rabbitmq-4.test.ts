import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { celeryTeller, marker } from '../../support/celery-teller.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { startAmqpConsumer } from '../../support/servers/amqp-consumer.ts'
import { makeCeleryApp } from '../../support/servers/celery.ts'
import { debian13, otherDebians } from '../../support/servers/debian-tree.ts'
import { startFallenProgram } from '../../support/servers/kept-program.ts'
import { type Rabbitmq, startRabbitmq } from '../../support/servers/rabbitmq.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, teller } from '../../support/teller.ts'

/*
 * What RabbitMQ 4.0 answers otherwise than 3.10, and that what matters most is told of it as well. All the rest is
 * tested with the RabbitMQ of this Debian.
 */
describeWith(['rabbitmq', otherDebians], 'a RabbitMQ 4.0', () => {
  const stack = new AsyncDisposableStack()
  let broker: Rabbitmq

  beforeAll(async () => {
    broker = stack.use(await startRabbitmq({ tree: await debian13(), metrics: true }))
    const commands = [
      ...rightsOf(rabbitmq.guide, marker),
      ...rightsOf(rabbitmq.guide, marker, 'on each virtual host'),
    ]
    for (const command of commands) await broker.ctl(...wordsOf(command).slice(1))
  }, 120_000)

  afterAll(() => stack.disposeAsync())

  const tellerOf = (more: object = {}, steps: Record<string, Record<string, unknown>> = {}) =>
    teller(
      rabbitmq,
      { nodes: [broker.managementUrl], user: 'healthz', password: marker, ...more },
      { backlog: { grace: '0s' }, resources: { grace: '0s' }, ...steps },
    )

  /** Makes a queue with so many messages, and waits until the broker's own figures say so. */
  async function fill(queue: string, messages: number): Promise<void> {
    await broker.api('PUT', `/api/queues/%2F/${queue}`, { durable: true })
    const message = { properties: {}, routing_key: queue, payload: 'x', payload_encoding: 'string' }
    for (let sent = 0; sent < messages; sent++)
      await broker.api('POST', '/api/exchanges/%2F/amq.default/publish', message)
    await shows(queue, { messages })
  }

  const shows = (queue: string, figures: Record<string, number>) =>
    until(`${queue} shows ${JSON.stringify(figures)}`, async () => {
      // The list may come to know later than the answer about one.
      const all = (await broker.api('GET', '/api/queues/%2F')) as readonly Record<string, unknown>[]
      const found = all.find(({ name }) => name === queue)
      return Object.entries(figures).every(([name, value]) => found?.[name] === value)
    })

  const remove = (queue: string) => broker.api('DELETE', `/api/queues/%2F/${queue}`)

  test('all is well, seen with the documented rights and no more', async () => {
    await fill('calm', 0)
    const amqp = [`amqp://127.0.0.1:${broker.port}`]
    const watch = tellerOf({ amqp, expect: ['calm'] }, { version: {} })
    const told = await until('all of it is known', async () => {
      const each = await watch.tell()
      return Object.values(each.steps).every(({ outcome }) => outcome !== 'unknown') && each
    })
    expect(Object.values(told.steps).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(Object.keys(told.steps)).toHaveLength(12)
    expect(JSON.stringify(told.step('version').notes)).toContain('4.0.')
    await remove('calm')
  })

  test('an alarm for memory is told with its figures, and is over with its cause', async () => {
    const watch = tellerOf()
    await broker.ctl('set_vm_memory_high_watermark', 'absolute', '1MB')
    const told = await until('the alarm is on and the figures have followed', async () => {
      const each = await watch.tell('alarms')
      return each.summaries('alarms').join().includes('limit') && each
    })
    expect(told.summaries('alarms')).toEqual([
      expect.stringMatching(
        /^every publisher is stopped: node hz\S+ uses too much memory \(\d+ MiB, limit 977 KiB\)$/,
      ),
    ])
    await broker.ctl('set_vm_memory_high_watermark', '0.6')
    await until('it is off', async () => (await watch.tell('alarms')).step('alarms').outcome === 'ok')
  })

  test('a consumer that sits on its messages is told with its address', async () => {
    await fill('held', 5)
    await using _ = await startAmqpConsumer({ ...broker, vhost: '/' }, 'held', 2)
    await shows('held', { messages_unacknowledged: 2 })
    const watch = tellerOf()
    const told = await until('its holder is known', async () => {
      await watch.tell('unacked')
      age(watch, 'unacked', 'held', 901_000)
      const each = await watch.tell('unacked')
      return Boolean(each.step('unacked').findings[0]?.evidence['heldBy']) && each
    })
    expect(told.summaries('unacked')).toEqual([
      expect.stringMatching(/^held has handed out 2 messages, and none was acknowledged for 15 min \d s /),
    ])
    expect(told.step('unacked').findings[0]?.evidence['heldBy']).toMatch(/^127\.0\.0\.1:\d+$/)
    await remove('held')
  })

  describeWith(['supervisor'], 'with a worker under supervisord', () => {
    const program = fileURLToPath(new URL('../../support/servers/rabbitmq-worker.ts', import.meta.url))

    test('a backlog without a consumer is told, and taken once its worker is started again', async () => {
      await fill('jobs', 15)
      await using kept = await startFallenProgram(
        'worker',
        `${process.execPath} ${program} ${broker.url} jobs`,
      )
      const watch = tellerOf({ worker: kept.option }, { backlog: { max: 10, grace: '0s' } })
      const told = await watch.tell('backlog', 'no-consumer')
      expect(told.summaries('backlog')).toEqual([
        expect.stringMatching(/^jobs holds 15 messages \(limit 10\) and does not shrink: nobody consumes/),
      ])
      age(watch, 'no-consumer', 'jobs', 301_000)
      expect((await watch.tell('no-consumer')).summaries('no-consumer')).toEqual([
        expect.stringMatching(
          /^jobs holds 15 messages and has had no consumer for 5 min \d s \(limit 5 min\)$/,
        ),
      ])
      await kept.mend()
      const round = await watch.round()
      expect(round.healed).toContain('no-consumer/jobs')
      expect(round.alarms.find(({ problem }) => problem === 'no-consumer/jobs')).toMatchObject({
        kind: 'healed',
        tried: [{ title: 'start worker with supervisord', result: 'healed' }],
      })
      await shows('jobs', { messages: 0, consumers: 1 })
    })
  })

  describeWith(['celery', 'supervisor'], 'with a worker of Celery 5.2', () => {
    const login = () => `127.0.0.1:${broker.port}`

    const vhost = async (name: string, settings: object) => {
      await broker.api('PUT', `/api/vhosts/${name}`, settings)
      for (const user of ['healthz', broker.user]) {
        const all = { configure: '.*', write: '.*', read: '.*' }
        await broker.api('PUT', `/api/permissions/${name}/${user}`, all)
      }
    }

    test('it works, by a queue that a later RabbitMQ will refuse', async () => {
      await vhost('app', {})
      await using app = await makeCeleryApp({ broker: `${broker.url}/app` })
      await using worker = await app.worker('w1@hz', { pool: 'prefork' })
      const watch = celeryTeller(() => `amqp://${login()}/app`)({ expectWorkers: ['w1@hz'] })
      const told = await watch.tell()
      expect(Object.values(told.steps).filter(({ outcome }) => outcome !== 'ok')).toEqual([])
      const version = await tellerOf({}, { version: {} }).tell('version')
      expect(version.summaries('version')).toEqual([
        'features are used that a later version will not have: transient_nonexcl_queues',
      ])
      await worker.kill()
      await until('it is not there', async () => {
        const [summary] = (await watch.tell('ping')).summaries('ping')
        return summary === 'no worker answers within 1 s (expected: w1@hz)'
      })
    })

    test('where its queue becomes a quorum queue it runs and is refused, which the advice explains', async () => {
      await vhost('safe', { default_queue_type: 'quorum' })
      await using app = await makeCeleryApp({ broker: `${broker.url}/safe` })
      const log = join(app.dir, 'worker.log')
      await using kept = await app.kept(
        'worker',
        ['worker', '-n', 'w2@hz', '-P', 'solo', '--without-mingle'],
        {
          ...{ redirect_stderr: true, stdout_logfile: log },
        },
      )
      const isRefused = async () => (await readFile(log, 'utf8')).includes('does not support global qos')
      await until('it is refused', isRefused, { deadline: 20_000 })
      const watch = celeryTeller(() => `amqp://${login()}/safe`)()
      // Between two attempts it may answer.
      const told = await until('it does not answer', async () => {
        const each = await watch.tell('ping')
        return each.step('ping').outcome === 'problem' && each
      })
      expect(told.summaries('ping')).toEqual(['no worker answers within 1 s'])
      expect(JSON.stringify(told.step('ping').findings[0]?.advice)).toContain('global qos')
      await kept.reaches('RUNNING')
    })
  })

  test('where it keeps no statistics its pages of metrics tell', async () => {
    await fill('orders', 15)
    const keep = (is: boolean) =>
      broker.ctl('eval', `application:set_env(rabbitmq_management, disable_management_stats, ${!is}).`)
    await keep(false)
    const bare = await tellerOf({ vhosts: ['/'] }).tell('backlog')
    expect(bare.reason('backlog')).toContain('keeps no statistics (management.disable_stats)')
    const limits = { backlog: { queues: { orders: 10 }, grace: '0s' } }
    const watch = tellerOf({ metrics: [broker.metricsUrl], vhosts: ['/'] }, limits)
    const told = await watch.tell('backlog', 'no-consumer', 'unacked')
    expect(told.summaries('backlog')).toEqual([
      'orders holds 15 messages (limit 10) and does not shrink: nobody consumes',
    ])
    expect(told.outcomes()).toEqual({ backlog: 'problem', 'no-consumer': 'ok', unacked: 'ok' })
    await keep(true)
    await remove('orders')
  })
})

/** Makes a step believe that what it remembers of a queue began so long ago. */
function age(watch: Pick<Teller<never, never>, 'samples'>, step: string, queue: string, ms: number): void {
  const sample = watch.samples[step]
  const value = sample?.value as Record<string, { since: number }>
  const aged = { ...value, [queue]: { ...value[queue], since: Date.now() - ms } }
  watch.samples = { ...watch.samples, [step]: { at: sample?.at ?? 0, value: aged } }
}
