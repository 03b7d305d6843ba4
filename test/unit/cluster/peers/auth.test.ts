import { describe, expect, it } from 'vitest'
import {
  clockWindow,
  createVerifier,
  header,
  isAnswerGenuine,
  signAnswer,
  signQuestion,
} from '../../../../src/cluster/peers/auth.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { fakeClock } from '../../../support/fake-clock.ts'

const secret = new Secret('a long shared secret')
const question = { method: 'POST', path: '/-/peer/probe', body: '{"from":"n1"}' }

describe('the signature of a question', () => {
  it('lets a genuine question through, once', () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    const headers = signQuestion(secret, question, clock.now())
    expect(verify(question, headers)).toEqual({ result: 'genuine', nonce: headers[header.nonce] })
    expect(verify(question, headers).result).toBe('replayed')
    expect(verify(question, signQuestion(secret, question, clock.now())).result).toBe('genuine')
  })

  it('knows each part that was changed, left out or signed with another secret', () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    const headers = signQuestion(secret, question, clock.now())
    for (const changed of [
      { ...question, method: 'PUT' },
      { ...question, path: '/-/peer/claim' },
      { ...question, body: '{"from":"n2"}' },
    ]) {
      expect(verify(changed, headers).result).toBe('forged')
    }
    for (const name of [header.time, header.nonce, header.signature]) {
      const { [name]: _, ...others } = headers
      expect(verify(question, others).result).toBe('forged')
    }
    for (const more of [
      { [header.time]: String(clock.now() + 1) },
      { [header.time]: 'NaN' },
      { [header.nonce]: '0'.repeat(32) },
      { [header.challenge]: '0'.repeat(32) },
      { [header.signature]: '' },
      { [header.signature]: 'é'.repeat(64) },
      { [header.signature]: [headers[header.signature] ?? ''] },
    ]) {
      expect(verify(question, { ...headers, ...more }).result).toBe('forged')
    }
    const foreign = signQuestion(new Secret('another secret'), question, clock.now())
    expect(verify(question, foreign).result).toBe('forged')
    expect(verify(question, headers).result).toBe('genuine')
  })

  it('does not tell apart parts by where one ends: they are signed each for itself', () => {
    const clock = fakeClock()
    const one = { method: 'POST', path: '/-/peer/sent', body: '' }
    const headers = signQuestion(secret, one, clock.now())
    const shifted = { method: 'POST', path: `/-/peer/sent${headers[header.time]}`, body: '' }
    expect(createVerifier(secret, clock)(shifted, { ...headers, [header.time]: '0' }).result).toBe('forged')
  })

  it('asks whose clock is too far off to sign a challenge, which counts once', () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    for (const apart of [-3_600_000, clockWindow + 1000, 3_600_000]) {
      const verdict = verify(question, signQuestion(secret, question, clock.now() + apart))
      if (verdict.result !== 'skewed') throw new Error(`a question ${apart} ms off is ${verdict.result}`)
      const again = signQuestion(secret, question, clock.now() + apart, verdict.challenge)
      expect(verify({ ...question, body: '{}' }, again).result).toBe('forged')
      expect(verify(question, again).result).toBe('genuine')
      expect(verify(question, again).result).toBe('replayed')
      const other = signQuestion(secret, question, clock.now() + apart, verdict.challenge)
      expect(verify(question, other).result).toBe('replayed')
    }
    const within = signQuestion(secret, question, clock.now() + clockWindow - 1000)
    expect(verify(question, within).result).toBe('genuine')
  })

  it('takes no challenge of its own making, nor one that was answered late', async () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    const made = signQuestion(secret, question, clock.now(), '0'.repeat(32))
    expect(verify(question, made).result).toBe('replayed')
    const verdict = verify(question, signQuestion(secret, question, 0))
    if (verdict.result !== 'skewed') throw new Error('not skewed')
    await clock.advance(10_001)
    const late = signQuestion(secret, question, 0, verdict.challenge)
    expect(verify(question, late).result).toBe('replayed')
  })

  it('keeps no nonce longer than it could be played again', async () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    const early = signQuestion(secret, question, clock.now() + clockWindow)
    expect(verify(question, early).result).toBe('genuine')
    await clock.advance(2 * clockWindow - 1)
    expect(verify(question, early).result).toBe('replayed')
    await clock.advance(2)
    expect(verify(question, early).result).toBe('skewed')
  })

  it('gives no more challenges than it can remember', () => {
    const clock = fakeClock()
    const verify = createVerifier(secret, clock)
    const ask = () => verify(question, signQuestion(secret, question, 0)).result
    const given = Array.from({ length: 1001 }, ask)
    expect(given.filter((result) => result === 'skewed')).toHaveLength(1000)
    expect(given.at(-1)).toBe('crowded')
  })
})

describe('the signature of an answer', () => {
  const nonce = '1'.repeat(32)
  const signature = signAnswer(secret, nonce, 200, '', '{}')
  const headers = { [header.signature]: signature }

  it('holds for this question and these words only', () => {
    expect(isAnswerGenuine(secret, nonce, 200, headers, '{}')).toBe(true)
    expect(isAnswerGenuine(secret, '2'.repeat(32), 200, headers, '{}')).toBe(false)
    expect(isAnswerGenuine(secret, nonce, 401, headers, '{}')).toBe(false)
    expect(isAnswerGenuine(secret, nonce, 200, headers, '{"a":1}')).toBe(false)
    expect(isAnswerGenuine(secret, nonce, 200, { ...headers, [header.challenge]: 'x' }, '{}')).toBe(false)
    expect(isAnswerGenuine(secret, nonce, 200, {}, '{}')).toBe(false)
    expect(isAnswerGenuine(new Secret('another'), nonce, 200, headers, '{}')).toBe(false)
  })

  it('is not the signature of a question', () => {
    const asked = signQuestion(secret, question, 0)
    expect(isAnswerGenuine(secret, asked[header.nonce] ?? '', 200, asked, question.body)).toBe(false)
  })
})
