import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type AmqpConsumer, startAmqpConsumer } from '../../support/servers/amqp-consumer.ts'
import { startFallenProgram } from '../../support/servers/kept-program.ts'
import { type SharedRabbitmq, sharedRabbitmq } from '../../support/servers/shared-rabbitmq.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, type Told, teller } from '../../support/teller.ts'

describeWith(['rabbitmq'], 'the queues of a RabbitMQ', () => {
  let broker: SharedRabbitmq
  let user: string

  beforeAll(async () => {
    broker = await sharedRabbitmq()
    user = `mon-${broker.vhost}`
    await broker.api('PUT', `/api/users/${user}`, { password: 'mon-pw', tags: 'monitoring' })
    await permit()
    // Their first figures take some seconds, so they are waited for just once.
    await declare('safe', 'quorum')
    await declare('events', 'stream')
    await publish('events', 5)
    await Promise.all([shows('safe', { messages: 0 }), shows('events', { messages: 5 })])
  })

  afterAll(async () => {
    await broker?.api('DELETE', `/api/users/${user}`)
    await broker?.[Symbol.asyncDispose]()
  })

  const permit = () =>
    broker.api('PUT', `/api/permissions/${broker.vhost}/${user}`, {
      configure: '^$',
      write: '^$',
      read: '^$',
    })

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) =>
    teller(
      rabbitmq,
      {
        nodes: [broker.managementUrl],
        user,
        password: 'mon-pw',
        vhosts: [broker.vhost],
        ...withOptions,
      },
      steps,
    )

  const pathOf = (queue: string) => `/api/queues/${broker.vhost}/${queue}`

  const declare = (queue: string, type = 'classic') =>
    broker.api('PUT', pathOf(queue), { durable: true, arguments: { 'x-queue-type': type } })

  const publish = async (queue: string, times: number) => {
    const message = { properties: {}, routing_key: queue, payload: 'x', payload_encoding: 'string' }
    for (let sent = 0; sent < times; sent++) {
      await broker.api('POST', `/api/exchanges/${broker.vhost}/amq.default/publish`, message)
    }
  }

  const purge = (queue: string) => broker.api('DELETE', `${pathOf(queue)}/contents`)

  /** Waits until the broker's own figures say so: they come a moment late. */
  const shows = (queue: string, figures: Record<string, number>) =>
    until(`${queue} shows ${JSON.stringify(figures)}`, async () => {
      // The list may come to know later than the answer about one.
      const all = (await broker.api('GET', `/api/queues/${broker.vhost}`)) as Record<string, unknown>[]
      const found = all.find(({ name }) => name === queue)
      return Object.entries(figures).every(([name, value]) => found?.[name] === value)
    })

  const consume = (queue: string, prefetch = 0): Promise<AmqpConsumer> =>
    startAmqpConsumer({ ...broker, vhost: broker.vhost }, queue, prefetch)

  /** The broker counts a message as handed out before it comes. */
  const holds = (consumer: AmqpConsumer, messages: number) =>
    until(`it holds ${messages}`, () => consumer.delivered() === messages)

  const id = (queue: string) => `${broker.vhost}/${queue}`

  test('a broker that has just started is not judged by its pace', async () => {
    const told = await tellerOf({}, { backlog: { grace: '24h' }, resources: { grace: '24h' } }).tell()
    for (const step of ['backlog', 'resources']) {
      expect(told.step(step)).toMatchObject({ outcome: 'ok', notes: [{ template: expect.any(String) }] })
    }
  })

  test('a queue that keeps messages without a consumer is told once it lasted', async () => {
    await declare('orphan')
    await publish('orphan', 3)
    await shows('orphan', { messages: 3 })
    const orders = tellerOf()
    await until('the queue is seen', async () => {
      return (await orders.tell('no-consumer')).step('no-consumer').outcome === 'ok'
    })
    ageSample(orders, 'no-consumer', id('orphan'), 301_000)
    const told = await orders.tell('no-consumer')
    expect(told.summaries('no-consumer')).toEqual([
      expect.stringMatching(
        /^orphan in the vhost \S+ holds 3 messages and has had no consumer for 5 min \d s/,
      ),
    ])
    expect(told.step('no-consumer').findings[0]).toMatchObject({ severity: 'critical' })

    await using consumer = await consume('orphan')
    await shows('orphan', { consumers: 1 })
    await holds(consumer, 3)
    expect((await orders.tell('no-consumer')).step('no-consumer').outcome).toBe('ok')
    consumer.acknowledge()
    await shows('orphan', { messages: 0 })
  })

  test('a queue that grows shorter has somebody who takes from it', async () => {
    await declare('polled')
    await publish('polled', 2)
    await shows('polled', { messages: 2 })
    const orders = tellerOf()
    orders.samples = {
      'no-consumer': {
        at: Date.now() - 60_000,
        value: { [id('polled')]: { since: Date.now() - 3_600_000, messages: 9 } },
      },
    }
    expect((await orders.tell('no-consumer')).step('no-consumer').outcome).toBe('ok')
    await purge('polled')
  })

  test('a consumer that sits on its messages is told with its address, and cut off if a person says so', async () => {
    await declare('held')
    await publish('held', 5)
    await using hanging = await consume('held', 2)
    await shows('held', { messages_unacknowledged: 2 })
    const orders = tellerOf(
      { user: broker.user, password: broker.password },
      { unacked: { disconnectUsers: [broker.user] } },
    )
    expect((await orders.tell('unacked')).step('unacked').outcome).toBe('ok')
    const told = await tellStuck(orders, id('held'))
    expect(told.summaries('unacked')).toEqual([
      expect.stringMatching(
        /^held in the vhost \S+ has handed out 2 messages, and none was acknowledged for 15 min \d s \(limit 15 min\)$/,
      ),
    ])
    expect(told.step('unacked').findings[0]).toMatchObject({
      severity: 'warning',
      evidence: { heldBy: expect.stringMatching(/^127\.0\.0\.1:\d+$/), unacknowledged: 2 },
      cure: { consent: 'ask' },
    })
    await told.cure(`unacked/${id('held')}`)
    await shows('held', { messages_unacknowledged: 0, messages: 5 })
    await until('it is told to go', () => !hanging.isConnected())
    expect((await orders.tell('unacked')).step('unacked').outcome).toBe('ok')
    await purge('held')
  })

  test('a consumer that acknowledges while its hands are always full is let be', async () => {
    await declare('busy')
    await publish('busy', 6)
    await using consumer = await consume('busy', 2)
    await shows('busy', { messages_unacknowledged: 2 })
    await holds(consumer, 2)
    const orders = tellerOf({}, { unacked: { disconnectUsers: [broker.user] } })
    const stuck = await tellStuck(orders, id('busy'))
    expect(stuck.step('unacked').outcome).toBe('problem')

    consumer.acknowledge()
    await shows('busy', { messages: 4, messages_unacknowledged: 2 })
    // The acknowledgements are counted by the channel, whose figures come by another way than those of the queue.
    await until('they are counted', async () => {
      const { message_stats } = (await broker.api('GET', pathOf('busy'))) as {
        message_stats?: { ack?: number }
      }
      return message_stats?.ack === 2
    })
    // The cure looks again, and sees that the consumer has moved on.
    await stuck.cure(`unacked/${id('busy')}`)
    expect(consumer.isConnected()).toBe(true)
    expect((await orders.tell('unacked')).step('unacked').outcome).toBe('ok')
    await consumer[Symbol.asyncDispose]()
    await purge('busy')
  })

  test('too many messages handed out are told at once', async () => {
    await declare('greedy')
    await publish('greedy', 6)
    await using consumer = await consume('greedy')
    await shows('greedy', { messages_unacknowledged: 6 })
    const told = await tellerOf({}, { unacked: { max: 5 } }).tell('unacked')
    expect(told.summaries('unacked')).toEqual([
      expect.stringContaining('has handed out 6 messages that are not acknowledged (limit 5)'),
    ])
    expect(told.cures.size).toBe(0)
    consumer.acknowledge()
  })

  test('an expected queue that is not there is told', async () => {
    await declare('wanted')
    const expected = tellerOf({ expect: [{ vhost: broker.vhost, name: 'wanted' }] })
    expect((await expected.tell('expected-queues')).step('expected-queues').outcome).toBe('ok')
    await broker.api('DELETE', pathOf('wanted'))
    const told = await expected.tell('expected-queues')
    expect(told.summaries('expected-queues')).toEqual([`the queue wanted does not exist in ${broker.vhost}`])
  })

  test('messages that find no queue are told with how many', async () => {
    const orders = tellerOf()
    expect((await orders.tell('unroutable')).step('unroutable').outcome).toBe('ok')
    const before = orders.samples['unroutable']
    await publish('nowhere', 5)
    // Their sum grows by and by.
    const told = await until('the broker has counted them', async () => {
      if (before) orders.samples = { ...orders.samples, unroutable: before }
      const told = await orders.tell('unroutable')
      return told.step('unroutable').findings[0]?.evidence['returned'] === 5 && told
    })
    expect(told.summaries('unroutable')).toEqual([
      expect.stringMatching(
        /^5 messages found no queue within .+ \(0 lost, 5 returned to the sender; limit 3 a minute\)$/,
      ),
    ])
    expect((await orders.tell('unroutable')).step('unroutable').outcome).toBe('ok')
  })

  test('dead letters are told when they grow, not for being there', async () => {
    await declare('post.dlq')
    await publish('post.dlq', 3)
    await shows('post.dlq', { messages: 3 })
    const post = tellerOf({ deadLetter: ['*.dlq'] })
    expect((await post.tell('dlq')).step('dlq').outcome).toBe('ok')
    expect((await post.tell('dlq')).step('dlq').outcome).toBe('ok')
    await publish('post.dlq', 1)
    await shows('post.dlq', { messages: 4 })
    const told = await post.tell('dlq')
    expect(told.summaries('dlq')).toEqual([
      `post.dlq in the vhost ${broker.vhost} holds 4 dead letters, 1 of them new (limit 10)`,
    ])
    await purge('post.dlq')
    await shows('post.dlq', { messages: 0 })
    expect((await post.tell('dlq')).step('dlq').outcome).toBe('ok')
  })

  test('queues that the user may not see are named, never taken for none', async () => {
    await declare('unseen')
    await broker.api('DELETE', `/api/permissions/${broker.vhost}/${user}`)
    try {
      for (const vhosts of [undefined, [broker.vhost]]) {
        const told = await tellerOf({ vhosts }, { backlog: { grace: '0s' } }).tell(
          'backlog',
          'no-consumer',
          'unacked',
          'quorum',
        )
        for (const step of ['backlog', 'no-consumer', 'unacked', 'quorum']) {
          expect(told.step(step).outcome).toBe('unknown')
          expect(told.reason(step)).toContain(`the user ${user} sees no queues of `)
          expect(told.reason(step)).toContain(broker.vhost)
        }
      }
    } finally {
      await permit()
    }
  })

  test('a queue that is longer than its limit and does not shrink is told', async () => {
    await declare('long')
    await publish('long', 15)
    await shows('long', { messages: 15, consumers: 0 })
    const orders = tellerOf({}, { backlog: { queues: { long: 10 }, grace: '0s' } })
    const told = await orders.tell('backlog')
    expect(told.summaries('backlog')).toEqual([
      expect.stringMatching(
        /^long in the vhost hz-\w+ holds 15 messages \(limit 10\) and does not shrink: nobody consumes/,
      ),
    ])
    expect(told.step('backlog').findings[0]).toMatchObject({ key: id('long'), severity: 'critical' })
    expect(told.cures.size).toBe(0)

    await purge('long')
    await shows('long', { messages: 0 })
    expect((await orders.tell('backlog')).step('backlog').outcome).toBe('ok')
  })

  test('a long queue that shrinks is let be', async () => {
    await declare('shrinking')
    await publish('shrinking', 15)
    await shows('shrinking', { messages: 15 })
    const orders = tellerOf({}, { backlog: { max: 10, grace: '0s' } })
    await orders.tell('backlog')
    orders.samples = { backlog: { at: Date.now() - 60_000, value: { [id('shrinking')]: [40, 30] } } }
    expect((await orders.tell('backlog')).step('backlog').outcome).toBe('ok')
    orders.samples = { backlog: { at: Date.now() - 60_000, value: { [id('shrinking')]: [12, 14] } } }
    expect((await orders.tell('backlog')).step('backlog').outcome).toBe('problem')
    await purge('shrinking')
  })

  test('a queue may be as long as so many times another', async () => {
    await declare('in')
    await declare('out')
    await publish('in', 4)
    await publish('out', 9)
    await shows('in', { messages: 4 })
    await shows('out', { messages: 9 })
    const limit = (times: number) => ({ grace: '0s', queues: { out: { times, of: 'in' } } })
    const twice = await tellerOf({}, { backlog: limit(2) }).tell('backlog')
    expect(twice.summaries('backlog')).toEqual([expect.stringContaining('holds 9 messages (limit 8)')])
    const thrice = await tellerOf({}, { backlog: limit(3) }).tell('backlog')
    expect(thrice.step('backlog').outcome).toBe('ok')
    await purge('in')
    await purge('out')
  })

  test('streams, ignored queues and dead letters are no backlog', async () => {
    await declare('celeryev.1')
    await declare('mail.dlq')
    for (const queue of ['celeryev.1', 'mail.dlq']) await publish(queue, 5)
    for (const queue of ['events', 'celeryev.1', 'mail.dlq']) {
      await shows(queue, { messages: 5 })
    }
    const told = await tellerOf(
      { deadLetter: ['*.dlq'] },
      { backlog: { max: 1, grace: '0s' }, 'no-consumer': { after: '0s' } },
    ).tell('backlog', 'no-consumer')
    const found = [...told.step('backlog').findings, ...told.step('no-consumer').findings]
    for (const queue of ['events', 'celeryev.1', 'mail.dlq']) {
      expect(found.map(({ key }) => key)).not.toContain(id(queue))
    }
    for (const queue of ['events', 'celeryev.1', 'mail.dlq']) await broker.api('DELETE', pathOf(queue))
  })

  test('a replicated queue with all its members is fine', async () => {
    await shows('safe', { messages: 0 })
    const told = await tellerOf().tell('quorum')
    expect(told.step('quorum')).toMatchObject({ outcome: 'ok', notes: [{ template: '{0}' }] })
  })

  test('a broker with its queues worked off has no problem', async () => {
    await declare('calm')
    await shows('calm', { messages: 0, consumers: 0 })
    const told = await tellerOf({}, { backlog: { grace: '0s' }, resources: { grace: '0s' } }).tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])
    expect(Object.keys(told.steps)).not.toContain('version')
  })

  describeWith(['supervisor'], 'with its workers under supervisord', () => {
    const program = fileURLToPath(new URL('../../support/servers/rabbitmq-worker.ts', import.meta.url))
    const consumerOf = (queue: string) => `${process.execPath} ${program} ${broker.url} ${queue}`

    /** A queue whose consumer, as supervisord keeps it, has fallen five minutes ago. */
    const leaveOrphaned = async (queue: string, command = consumerOf(queue)) => {
      await declare(queue)
      await publish(queue, 2)
      await shows(queue, { messages: 2 })
      const kept = await startFallenProgram('worker', command)
      const orders = tellerOf({ worker: { ...kept.option, queues: [queue] } })
      return { kept, orders, oversee: () => ageOrphan(orders, queue) }
    }
    const ageOrphan = async (orders: ReturnType<typeof tellerOf>, queue: string) => {
      await orders.tell('no-consumer')
      ageSample(orders, 'no-consumer', id(queue), 301_000)
      return await orders.tell('no-consumer')
    }

    test('a consumer that fell is started again and takes what waited', async () => {
      const { kept, orders, oversee } = await leaveOrphaned('jobs')
      await using _ = kept
      const told = await oversee()
      expect(told.step('no-consumer').findings).toMatchObject([
        { key: id('jobs'), cure: { consent: 'auto' } },
      ])
      await kept.mend()
      const round = await orders.round()
      expect(round.healed).toEqual([`no-consumer/${id('jobs')}`])
      expect(round.alarms.find(({ problem }) => problem === `no-consumer/${id('jobs')}`)).toMatchObject({
        kind: 'healed',
        tried: [{ title: 'start worker with supervisord', result: 'healed' }],
      })
      await shows('jobs', { messages: 0, consumers: 1 })
    })

    test('a worker that runs without consuming, or that a person stopped, is not touched: that is told', async () => {
      const { kept, orders, oversee } = await leaveOrphaned('stopped', 'sleep 1000')
      await using _ = kept
      await kept.mend()
      await kept.start()
      await oversee()
      const details = (round: Awaited<ReturnType<typeof orders.round>>) =>
        round.tried(`no-consumer/${id('stopped')}`).map(({ result, detail }) => [result, detail])
      const running = 'supervisord keeps worker running, so there is nothing to start'
      expect(details(await orders.round())).toEqual([['failed', running]])
      await kept.stop()
      await expect((await oversee()).cure(`no-consumer/${id('stopped')}`)).rejects.toMatchObject({
        reason: { template: 'somebody has stopped {0}, so it was left alone' },
      })
      expect(await kept.state()).toBe('STOPPED')
      await purge('stopped')
    })
  })
})

/**
 * Tells until a queue is found stuck and its holders are known. The broker brings its figures one after another: while
 * one of them is new, nothing is stuck yet, and what is remembered must be aged again.
 */
function tellStuck(orders: Sampled & Pick<Teller<unknown, unknown>, 'tell'>, queue: string): Promise<Told> {
  return until('it is stuck, and its holders are known', async () => {
    await orders.tell('unacked')
    ageSample(orders, 'unacked', queue, 901_000)
    const told = await orders.tell('unacked')
    const found = told.step('unacked').findings.find(({ key }) => key === queue)
    return Boolean(found?.evidence['heldBy']) && told
  })
}

interface Sampled {
  samples: Readonly<Record<string, { readonly at: number; readonly value: unknown }>>
}

/** Makes a step believe that what it remembers of a queue began so long ago. */
function ageSample(teller: Sampled, step: string, queue: string, ms: number): void {
  const sample = teller.samples[step]
  const value = sample?.value as Record<string, { since: number }>
  const aged = { ...value, [queue]: { ...value[queue], since: Date.now() - ms } }
  teller.samples = { ...teller.samples, [step]: { at: sample?.at ?? 0, value: aged } }
}
