import { describe, expect, test } from 'vitest'
import { type Answer, faultOf } from '../../../../channels/webhook/answer.ts'
import { TryLater, Undeliverable } from '../../../../src/core/channel.ts'

const fault = (status: number, more: Partial<Answer> = {}) =>
  faultOf({ status, retryAfter: undefined, date: undefined, reason: '', ...more }, 'hook.example')

describe('an answer', () => {
  test.each([200, 201, 202, 204])('%i: taken', (status) => {
    expect(fault(status)).toBeNull()
  })

  test.each([408, 425, 429, 500, 502, 503, 504, 302, 307])('%i: worth another attempt', (status) => {
    expect(fault(status)).toBeInstanceOf(Error)
    expect(fault(status)).not.toBeInstanceOf(Undeliverable)
    expect(fault(status)).not.toBeInstanceOf(TryLater)
  })

  test.each([400, 401, 403, 404, 410, 413, 422, 301, 308])('%i: trying again cannot help', (status) => {
    expect(fault(status)).toBeInstanceOf(Undeliverable)
  })

  test('says why, in the receiver’s words', () => {
    expect(fault(400, { reason: 'no field "text"' })?.message).toBe(
      'hook.example answered 400: no field "text"',
    )
    expect(fault(404)?.message).toBe('hook.example answered 404')
  })
})

describe('an answer that says when to come back', () => {
  const wait = (retryAfter: string, date?: string) => {
    const error = fault(429, { retryAfter, date })
    return error instanceof TryLater ? error.retryAfter : null
  }

  test('says so in seconds', () => {
    expect(wait('7')).toBe(7000)
    expect(wait('0')).toBe(0)
    expect(fault(503, { retryAfter: '2' })).toMatchObject({ retryAfter: 2000 })
  })

  test('or as a date, by its own clock', () => {
    const now = 'Fri, 20 Nov 2026 22:47:00 GMT'
    expect(wait('Fri, 20 Nov 2026 22:47:30 GMT', now)).toBe(30_000)
    expect(wait('Fri, 20 Nov 2026 22:40:00 GMT', now)).toBe(0)
  })

  test('cannot put an alarm off for more than an hour', () => {
    expect(wait('86400')).toBe(3_600_000)
  })

  test('is not believed where it makes no sense', () => {
    expect(wait('soon')).toBeNull()
    expect(wait('Fri, 20 Nov 2026 22:47:30 GMT')).toBeNull()
    expect(wait('-5')).toBeNull()
  })
})
