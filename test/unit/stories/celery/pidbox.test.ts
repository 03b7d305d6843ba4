import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { statsOf } from '../../../../stories/celery/answers.ts'
import celery from '../../../../stories/celery/index.ts'
import { options } from '../../../../stories/celery/options.ts'
import { bodyOf, envelopeOf, openEnvelope, repliesOf } from '../../../../stories/celery/pidbox.ts'
import { topicsOf } from '../../../../stories/celery/redis-broker.ts'

const address = { id: 'oid', ticket: 'ticket' }

describe('the mailbox of the workers', () => {
  test('a question names its return address, its ticket and whom it is for', () => {
    expect(JSON.parse(bodyOf({ method: 'ping' }, address))).toEqual({
      method: 'ping',
      arguments: {},
      destination: null,
      pattern: null,
      matcher: null,
      ticket: 'ticket',
      reply_to: { exchange: 'reply.celery.pidbox', routing_key: 'oid' },
    })
    const narrow = { method: 'add_consumer', arguments: { queue: 'q' }, destination: ['w1@h'] }
    expect(JSON.parse(bodyOf(narrow, address))).toMatchObject({
      arguments: { queue: 'q' },
      destination: ['w1@h'],
    })
  })

  test('the envelope for a Redis holds the body in base64, and when nobody waits any more', () => {
    const envelope = JSON.parse(envelopeOf({ method: 'ping' }, address, 12.5))
    expect(Buffer.from(envelope.body, 'base64').toString()).toBe(bodyOf({ method: 'ping' }, address))
    expect(envelope.headers.expires).toBe(12.5)
    expect(envelope.properties.delivery_info).toEqual({ exchange: 'celery.pidbox', routing_key: '' })
  })

  test('an answer is opened, in base64 or plain', () => {
    const body = '{"w1@h": {"ok": "pong"}}'
    const base64 = { body: Buffer.from(body).toString('base64'), properties: { body_encoding: 'base64' } }
    const wanted = new Map([['w1@h', { ok: 'pong' }]])
    expect(openEnvelope(JSON.stringify(base64))).toEqual(wanted)
    expect(openEnvelope(JSON.stringify({ body }))).toEqual(wanted)
    expect(repliesOf(body)).toEqual(wanted)
  })

  test('whatever else stands in a message is no answer and no error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const opened = openEnvelope(text)
        expect(opened === null || opened instanceof Map).toBe(true)
      }),
    )
    for (const text of ['', '[]', '7', 'null', '{"body":7}', '{"body":"[1]"}'])
      expect(openEnvelope(text)).toBeNull()
  })

  test('a worker that answers with an error or in another form cannot be told', () => {
    for (const answer of [{ error: 'unknown method' }, null, [], 'x', { total: 7 }]) {
      expect(() => statsOf({ replies: new Map([['w', answer]]), listeners: 1 })).toThrow('cannot tell')
    }
  })

  test('a solo pool is known by its name, or by its only process in older versions', () => {
    const of = (answer: unknown) => statsOf({ replies: new Map([['w', answer]]), listeners: 1 }).get('w')
    const named = (implementation: string) =>
      of({ total: {}, pool: { implementation, 'max-concurrency': 1 } })
    expect(named('celery.concurrency.solo:TaskPool')).toMatchObject({ isSolo: true, slots: 1 })
    expect(named('celery.concurrency.prefork:TaskPool')).toMatchObject({ isSolo: false })
    expect(of({ total: { a: 1, b: 2 }, pid: 7, pool: { processes: [7] } })).toMatchObject({
      isSolo: true,
      total: 3,
    })
    expect(of({ total: {}, pid: 7, pool: { processes: [8] } })).toMatchObject({ isSolo: false })
    expect(of({ total: {} })).toMatchObject({ isSolo: false, slots: null })
  })

  test('the channel of a Redis holds its database, or the prefix of the settings', () => {
    const of = (withOptions: object) => topicsOf(options.parse({ broker: 'redis://h', ...withOptions }))
    expect(of({})).toEqual(['/0.celery.pidbox'])
    expect(of({ broker: 'redis://h/4' })).toEqual(['/4.celery.pidbox'])
    expect(of({ fanoutPrefix: '' })).toEqual(['celery.pidbox'])
    expect(of({ fanoutPrefix: 'app{db}/' })).toEqual(['app0/celery.pidbox'])
    const sentinels = { broker: undefined, mode: 'sentinel', sentinels: ['redis://h:26379'], database: 2 }
    expect(of(sentinels)).toEqual(['/2.celery.pidbox', '/{db}.celery.pidbox'])
    expect(of({ ...sentinels, fanoutPrefix: 'app.' })).toEqual(['app.celery.pidbox'])
  })

  test('the example of the guide is an entry of a configuration', () => {
    for (const entry of parse(celery.guide?.example ?? ''))
      expect(options.safeParse(entry.with).error).toBeUndefined()
  })
})
