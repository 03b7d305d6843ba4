import { afterAll, beforeAll, expect, test } from 'vitest'
import rabbitmq from '../../../stories/rabbitmq/index.ts'
import { describeWith } from '../../support/needs.ts'
import { startAmqpConsumer } from '../../support/servers/amqp-consumer.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Rabbitmq, startRabbitmq } from '../../support/servers/rabbitmq.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const ofQueues = ['backlog', 'no-consumer', 'unacked', 'dlq']

describeWith(['rabbitmq'], 'a RabbitMQ whose management API keeps no statistics', () => {
  let broker: Rabbitmq
  beforeAll(async () => {
    broker = await startRabbitmq({ conf: 'management.disable_stats = true', metrics: true })
    await broker.api('PUT', '/api/users/healthz', { password: 'mon-pw', tags: 'monitoring' })
    await broker.api('PUT', '/api/vhosts/shop')
    const nothing = { configure: '^$', write: '^$', read: '^$' }
    const all = { configure: '.*', write: '.*', read: '.*' }
    for (const vhost of ['%2F', 'shop']) {
      await broker.api('PUT', `/api/permissions/${vhost}/healthz`, nothing)
      await broker.api('PUT', `/api/permissions/${vhost}/${broker.user}`, all)
    }
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())

  const tellerOf = (options: object = {}, steps: Record<string, Record<string, unknown>> = {}) => {
    const login = { nodes: [broker.managementUrl], user: 'healthz', password: 'mon-pw' }
    return teller(rabbitmq, { ...login, deadLetter: ['*.dlq'], ...options }, steps)
  }

  async function fill(vhost: string, queue: string, messages: number): Promise<void> {
    await broker.api('PUT', `/api/queues/${vhost}/${queue}`, { durable: true })
    const message = { properties: {}, routing_key: queue, payload: 'x', payload_encoding: 'string' }
    for (let sent = 0; sent < messages; sent++)
      await broker.api('POST', `/api/exchanges/${vhost}/amq.default/publish`, message)
  }

  const remove = (vhost: string, queue: string) => broker.api('DELETE', `/api/queues/${vhost}/${queue}`)

  test('what it does not count is unknown, with what to do about it, and never ok', async () => {
    await fill('shop', 'orders', 3)
    await fill('shop', 'mail.dlq', 3)
    const told = await tellerOf().tell()
    const outcomes = Object.entries(told.outcomes())
    expect(outcomes.filter(([, outcome]) => outcome === 'unknown').map(([step]) => step)).toEqual([
      ...['backlog', 'no-consumer', 'unacked', 'resources', 'unroutable', 'dlq'],
    ])
    expect(outcomes.filter(([, outcome]) => outcome === 'problem')).toEqual([])
    for (const step of ofQueues)
      expect(told.reason(step)).toMatch(
        /keeps no statistics \(management\.disable_stats\); enable rabbitmq_prometheus/,
      )
    await remove('shop', 'mail.dlq')
    await remove('shop', 'orders')
  })

  test('its pages of metrics tell of a queue that piles up without a consumer', async () => {
    await fill('shop', 'orders', 15)
    await fill('shop', 'calm', 0)
    const limits = { backlog: { queues: { orders: 10 }, grace: '0s' } }
    const watch = tellerOf({ metrics: [broker.metricsUrl] }, limits)
    const told = await until('every queue is counted', async () => {
      const each = await watch.tell(...ofQueues)
      return each.step('backlog').outcome === 'problem' && each.reason('backlog') === '' && each
    })
    expect(told.summaries('backlog')).toEqual([
      'orders in the vhost shop holds 15 messages (limit 10) and does not shrink: nobody consumes',
    ])
    expect(told.outcomes()).toMatchObject({ 'no-consumer': 'ok', unacked: 'ok', dlq: 'ok' })

    const since = Date.now() - 301_000
    watch.samples = {
      'no-consumer': { at: Date.now(), value: { 'shop/orders': { since, messages: 15 } } },
    }
    expect((await watch.tell('no-consumer')).summaries('no-consumer')).toEqual([
      expect.stringMatching(/^orders in the vhost shop holds 15 messages and has had no consumer for 5 min/),
    ])
    const elsewhere = tellerOf({ metrics: [broker.metricsUrl], vhosts: ['/'] }, limits)
    expect((await elsewhere.tell('backlog')).step('backlog').outcome).toBe('ok')

    await using _ = await startAmqpConsumer({ ...broker, vhost: 'shop' }, 'orders', 0)
    const held = await until('the consumer is counted', async () => {
      const each = await watch.tell(...ofQueues)
      return each.step('no-consumer').outcome === 'ok' && each.step('unacked').outcome === 'unknown' && each
    })
    expect(held.reason('unacked')).toBe(
      'the broker does not say how many messages of these queues are acknowledged: orders in the vhost shop',
    )
    await remove('shop', 'calm')
    await remove('shop', 'orders')
  })

  test('a node that shows no page is named', async () => {
    await fill('shop', 'orders', 1)
    const dead = `http://127.0.0.1:${await freePort()}`
    for (const metrics of [[dead], [broker.managementUrl]]) {
      const told = await tellerOf({ metrics }).tell('backlog')
      expect(told.step('backlog').outcome).toBe('unknown')
      expect(told.reason('backlog')).toContain(`could be read from ${new URL(metrics[0] ?? '').host}`)
    }
    await remove('shop', 'orders')
  })
})
