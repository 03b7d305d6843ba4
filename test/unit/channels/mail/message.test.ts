import { describe, expect, test } from 'vitest'
import { messageOf } from '../../../../channels/mail/message.ts'
import { mailOptions } from '../../../../channels/mail/options.ts'
import type { Alarm } from '../../../../src/core/alarm.ts'
import { aDigest, anAlarm } from '../../../support/alarms.ts'

function mail(alarms: readonly Alarm[], more: object = {}) {
  const options = mailOptions.parse({ smtp: 'smtp://relay', to: ['Ops <ops@example.com>'], ...more })
  const [server] = options.smtp
  if (server === undefined) throw new Error('no server')
  return messageOf(aDigest(alarms), options, server)
}

describe('a mail', () => {
  test('has an id that is the digest’s own', () => {
    const { key } = aDigest([anAlarm()])
    expect(mail([anAlarm()]).messageId).toBe(`<${key}@example.com>`)
    expect(mail([anAlarm()], { from: 'x@node.example.org' }).messageId).toBe(`<${key}@node.example.org>`)
    expect(mail([anAlarm('reminded')]).messageId).not.toBe(mail([anAlarm()]).messageId)
  })

  test('belongs to one thread with all others about the same occurrence', () => {
    const [raised, reminded, recovered] = (['raised', 'reminded', 'recovered'] as const).map((kind) =>
      mail([anAlarm(kind)]),
    )
    expect(raised?.inReplyTo).toMatch(/^<[0-9a-f]{24}\.occurrence@example\.com>$/)
    expect(reminded?.inReplyTo).toBe(raised?.inReplyTo)
    expect(recovered?.references).toEqual(raised?.references)
    expect(mail([anAlarm('raised', { entry: 'other' })]).inReplyTo).not.toBe(raised?.inReplyTo)
  })

  test('about several occurrences names each of them once, and not more than a header can hold', () => {
    const both = mail([anAlarm('raised'), anAlarm('worsened'), anAlarm('raised', { entry: 'other' })])
    expect(both.references).toEqual(
      [
        ...new Set([mail([anAlarm()]).inReplyTo, mail([anAlarm('raised', { entry: 'other' })]).inReplyTo]),
      ].sort(() => (both.inReplyTo === mail([anAlarm()]).inReplyTo ? 0 : -1)),
    )
    const storm = mail(Array.from({ length: 500 }, (_, index) => anAlarm('raised', { entry: `e${index}` })))
    expect(storm.references).toHaveLength(100)
  })

  test('comes from the configured sender, else from who logs in, else from this host', () => {
    const from = (more: object) => mail([anAlarm()], more).from
    expect(from({ from: 'Watch <w@x.org>' })).toEqual({ name: 'Watch', address: 'w@x.org' })
    expect(from({ smtp: 'smtp://me%40x.org:pw@relay' })).toEqual({
      name: 'healthz shop',
      address: 'me@x.org',
    })
    expect(from({})).toMatchObject({ address: expect.stringMatching(/^healthz@./) })
  })

  test('is urgent when something critical is open, and asks robots not to answer', () => {
    expect(mail([anAlarm()])).toMatchObject({
      priority: 'high',
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    expect(mail([anAlarm('recovered')])).not.toHaveProperty('priority')
  })
})
