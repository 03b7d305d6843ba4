import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../../../channels/webhook/content.ts'
import { webhookOptions } from '../../../../channels/webhook/options.ts'
import { signatureOf } from '../../../../channels/webhook/signature.ts'
import { findSecrets, Secret } from '../../../../src/core/secret.ts'
import { aDigest } from '../../../support/alarms.ts'

const options = (more: object = {}) => webhookOptions.parse({ url: 'https://hook.example/x', ...more })

describe('the content of a request', () => {
  test('is the whole digest unless there is a template', () => {
    const { body, type } = contentOf(options(), aDigest())
    expect(JSON.parse(body)).toEqual(aDigest())
    expect(type).toBe('application/json')
  })

  test('is what the template makes of it', () => {
    const { body } = contentOf(
      options({ body: { msgtype: 'text', text: { content: '{subject}' } } }),
      aDigest(),
    )
    expect(JSON.parse(body)).toEqual({ msgtype: 'text', text: { content: aDigest().subject } })
  })

  test('is a string as it stands where the content type is not JSON', () => {
    const plain = { 'Content-Type': 'text/plain; charset=utf-8' }
    expect(contentOf(options({ body: '{text}', headers: plain }), aDigest())).toEqual({
      body: aDigest().text,
      type: 'text/plain; charset=utf-8',
    })
    expect(contentOf(options({ body: '{text}' }), aDigest()).body).toBe(JSON.stringify(aDigest().text))
  })
})

test('the signature covers the timestamp and the body', () => {
  const headers = signatureOf(new Secret('key'), new Date('2026-11-20T22:47:00.900Z'), '{"a":1}')
  const expected = createHmac('sha256', 'key').update('1795214820.{"a":1}').digest('hex')
  expect(headers).toEqual({
    'X-Healthz-Timestamp': '1795214820',
    'X-Healthz-Signature': `sha256=${expected}`,
  })
})

describe('the options of a webhook', () => {
  test('hide the credentials, the signing secret, and the headers that speak of one', () => {
    const headers = { Authorization: 'Bearer hunter2SECRET', 'X-Api-Key': 'hunter2SECRET', 'X-Env': 'shop' }
    const parsed = options({ url: 'https://u:hunter2SECRET@h/', headers, secret: 'hunter2SECRET' })
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
    expect(findSecrets(parsed)).toEqual(new Set(['hunter2SECRET', 'Bearer hunter2SECRET']))
    expect(parsed.headers['x-env']).toBe('shop')
  })

  test.each([
    { method: 'GET' },
    { headers: { 'bad name': 'x' } },
    { headers: { 'X-A': 'line\r\nbreak' } },
    { url: 'ftp://x' },
    { timeout: 10 },
    { unknown: 1 },
  ])('refuse %j', (more) => {
    expect(webhookOptions.safeParse({ url: 'https://hook.example/x', ...more }).success).toBe(false)
  })

  test('refuse a template with a placeholder that means nothing, and say which', () => {
    const { error } = webhookOptions.safeParse({ url: 'https://h/', body: { a: '{subjct}', b: '{{text}}' } })
    expect(error?.issues.map(({ message }) => message.split(' ')[0])).toEqual(['{subjct}', '{{text}}'])
    expect(error?.issues[0]?.path).toEqual(['body'])
  })
})
