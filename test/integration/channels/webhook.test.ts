import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import webhook from '../../../channels/webhook/index.ts'
import { TryLater, Undeliverable } from '../../../src/core/channel.ts'
import { aDigest, anAlarm, chinese } from '../../support/alarms.ts'
import { type Certificate, type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import {
  type HttpAnswer,
  type HttpReceiver,
  type ReceivedRequest,
  startHttpReceiver,
} from '../../support/servers/http-receiver.ts'
import { startListening } from '../../support/servers/listening.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'

const marker = 'hunter2SECRET'

async function receiver(answer: HttpAnswer = { status: 200 }): Promise<HttpReceiver> {
  const started = await startHttpReceiver()
  onTestFinished(() => started[Symbol.asyncDispose]())
  started.answer(answer)
  return started
}

function send(
  to: HttpReceiver | string,
  { digest = aDigest(), signal = AbortSignal.timeout(20_000), ...more }: Partial<Sending> = {},
) {
  const url = typeof to === 'string' ? to : `${to.url}/hook`
  const options = webhook.options.parse({ url, timeout: '1s', ...more })
  return webhook.send({ options, digest, signal, isWithdrawn: () => false })
}

type Sending = { digest: ReturnType<typeof aDigest>; signal: AbortSignal } & Record<string, unknown>

/** The error of a sending that has to fail; nothing in it or behind it may give a secret away. */
async function failure(sending: Promise<unknown>): Promise<Error> {
  const error = await sending.then(
    () => new Error('it was delivered'),
    (reason) => reason,
  )
  const shown = inspect(error, { depth: 10, showHidden: true })
  expect(shown).not.toContain(marker)
  expect(shown).not.toContain(Buffer.from(`u:${marker}`).toString('base64'))
  return error
}

/** What a receiver does to know who sent a request. */
function isSigned({ headers, body }: ReceivedRequest, secret: string): boolean {
  const timestamp = String(headers['x-healthz-timestamp'])
  const expected = `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
  const given = String(headers['x-healthz-signature'])
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected))
}

describe('a request', () => {
  test('holds the whole digest, under its key', async () => {
    const hook = await receiver()
    const digest = aDigest([anAlarm(), anAlarm('recovered', { entry: 'broker' })], chinese)
    expect(await send(hook, { digest })).toBeUndefined()
    const [request] = hook.requests
    expect(request).toMatchObject({ method: 'POST', path: '/hook' })
    expect(request?.json()).toEqual(digest)
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-healthz-key': digest.key,
      'idempotency-key': digest.key,
      'user-agent': 'healthz',
    })
    expect(request?.headers).not.toHaveProperty('x-healthz-signature')
  })

  test('has the same key at every attempt', async () => {
    const hook = await receiver()
    hook.answerOnce({ status: 500 })
    await failure(send(hook))
    await send(hook)
    const [first, second] = hook.requests.map(({ headers }) => headers['idempotency-key'])
    expect(second).toBe(first)
  })

  test('is shaped by method, headers and template', async () => {
    const hook = await receiver({ status: 204 })
    const headers = { Authorization: `Bearer ${marker}`, 'X-Env': 'prod' }
    const body = {
      msgtype: 'text',
      text: { content: '{subject}\n{text}' },
      raw: '{alarms.0.evidence}',
      list: [1, '{severity}'],
    }
    const digest = aDigest([anAlarm('raised', { evidence: { used: 93 } })])
    await send(hook, { method: 'PUT', headers, body, digest })
    const [request] = hook.requests
    expect(request?.method).toBe('PUT')
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${marker}`, 'x-env': 'prod' })
    expect(request?.json()).toEqual({
      msgtype: 'text',
      text: { content: `${digest.subject}\n${digest.text}` },
      raw: { used: 93 },
      list: [1, 'critical'],
    })
    expect(request?.body).not.toContain(marker)
  })

  test('is signed, so that the receiver knows it from a forged or a changed one', async () => {
    const hook = await receiver()
    await send(hook, { secret: marker, digest: aDigest([anAlarm()], chinese) })
    const [request] = hook.requests
    if (request === undefined) throw new Error('no request')
    expect(isSigned(request, marker)).toBe(true)
    expect(isSigned(request, 'another')).toBe(false)
    expect(isSigned({ ...request, body: `${request.body} ` }, marker)).toBe(false)
    expect(
      isSigned({ ...request, headers: { ...request.headers, 'x-healthz-timestamp': '1' } }, marker),
    ).toBe(false)
  })

  test('logs in with the credentials of the URL', async () => {
    const hook = await receiver()
    await send(`http://u:${marker}@127.0.0.1:${hook.port}/hook?x=1`)
    expect(hook.requests[0]).toMatchObject({ path: '/hook?x=1' })
    expect(hook.requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from(`u:${marker}`).toString('base64')}`,
    )
  })

  test('goes straight to the receiver, whatever proxy the environment names', async () => {
    const hook = await receiver()
    vi.stubEnv('http_proxy', 'http://127.0.0.1:1')
    onTestFinished(() => void vi.unstubAllEnvs())
    await send(hook)
    expect(hook.requests).toHaveLength(1)
  })
})

describe('an answer', () => {
  test.each([400, 401, 404, 410, 422])('%i: undeliverable, with the receiver’s reason', async (status) => {
    const hook = await receiver({ status, body: 'no such\nroom' })
    const error = await failure(send(hook))
    expect(error).toBeInstanceOf(Undeliverable)
    expect(error.message).toBe(`127.0.0.1:${hook.port} answered ${status}: no such room`)
  })

  test.each([408, 425, 429, 500, 503])('%i: worth another attempt', async (status) => {
    const error = await failure(send(await receiver({ status })))
    expect(error.constructor).toBe(Error)
    expect(error.message).toContain(`answered ${status}`)
  })

  test('429 with Retry-After: says when to come back', async () => {
    const error = await failure(send(await receiver({ status: 429, headers: { 'retry-after': '7' } })))
    expect(error).toBeInstanceOf(TryLater)
    expect(error).toMatchObject({ retryAfter: 7000 })
  })

  test('503 with Retry-After as a date: by the receiver’s own clock', async () => {
    const headers = {
      date: 'Fri, 20 Nov 2026 22:47:00 GMT',
      'retry-after': 'Fri, 20 Nov 2026 22:48:30 GMT',
    }
    expect(await failure(send(await receiver({ status: 503, headers })))).toMatchObject({
      retryAfter: 90_000,
    })
  })

  test('that redirects is not followed', async () => {
    const other = await receiver()
    const hook = await receiver({ status: 302, headers: { location: other.url } })
    expect((await failure(send(hook))).message).toContain('answered 302 (redirects are not followed)')
    expect(other.requests).toHaveLength(0)
  })

  test('that quotes secrets back is told without them, without tags, and not at length', async () => {
    const hook = await receiver({
      status: 403,
      body: `<html><title>Forbidden</title> Bearer ${marker} at /hook/${marker}?key=${marker} ${'x'.repeat(10_000)}</html>`,
    })
    const headers = { Authorization: `Bearer ${marker}` }
    const error = await failure(send(`${hook.url}/hook/${marker}?key=${marker}`, { headers }))
    expect(error.message).toMatch(/answered 403: Forbidden \*\*\* at \*\*\* x+$/)
    expect(error.message.length).toBeLessThan(200)
  })

  test('that has begun well counts, even if its body never ends', async () => {
    await using server = await startListening(() => ({
      server: createPlainServer((write) =>
        write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe beginning'),
      ),
    }))
    expect(await send(`http://127.0.0.1:${server.port}/`)).toBeUndefined()
  })
})

describe('no answer', () => {
  test.each([
    ['refused', 'nothing listens on'],
    ['reset', 'closes the connection'],
    ['hang', 'did not answer within 0.3 s'],
    ['dripping', 'did not answer within 0.3 s'],
  ] as const)('%s: worth another attempt', async (how, words) => {
    const start = performance.now()
    const error = await failure(send(await deaf(how), { timeout: '300ms' }))
    expect(error.constructor).toBe(Error)
    expect(error.message).toContain(words)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test('a network that swallows all packets: given up at the deadline', async () => {
    const hook = await receiver()
    await using proxy = await startTcpFaultProxy(hook.port)
    await proxy.become('black-hole')
    const error = await failure(send(`http://u:${marker}@127.0.0.1:${proxy.port}/`, { timeout: '300ms' }))
    expect(error.message).toBe(`127.0.0.1:${proxy.port} did not answer within 0.3 s`)
  })

  test('aborting ends a sending at once, with the reason given', async () => {
    const aborting = new AbortController()
    const sending = failure(send(await receiver('hang'), { signal: aborting.signal, timeout: '10s' }))
    setTimeout(() => aborting.abort(new Error('the term has ended')), 100)
    const start = performance.now()
    expect((await sending).message).toBe('the term has ended')
    expect(performance.now() - start).toBeLessThan(5000)
  })

  async function deaf(how: 'refused' | 'reset' | 'hang' | 'dripping'): Promise<string> {
    if (how === 'dripping') return dripping()
    const hook = await receiver(how === 'refused' ? { status: 200 } : how)
    if (how === 'refused') await hook.down()
    return `http://u:${marker}@127.0.0.1:${hook.port}/`
  }

  /** Sends the beginning of an answer byte by byte, which no timeout between two bytes would ever notice. */
  async function dripping(): Promise<string> {
    const server = await startListening(() => ({
      server: createPlainServer((write) => {
        const drip = setInterval(() => write('H'), 50)
        onTestFinished(() => clearInterval(drip))
        write('HTTP/1.1 200 OK\r\nx: ')
      }),
    }))
    onTestFinished(() => server[Symbol.asyncDispose]())
    return `http://127.0.0.1:${server.port}/`
  }
})

describe('TLS', () => {
  let certificates: Certificates
  let ca: string
  beforeAll(async () => {
    certificates = await makeCertificates()
    ca = readFileSync(certificates.caFile, 'utf8')
  })
  afterAll(() => certificates[Symbol.asyncDispose]())

  test('with an authority of our own', async () => {
    expect(await send(await secure(certificates.valid), { ca })).toBeUndefined()
  })

  test('a certificate that nobody vouches for is refused, unless any will do', async () => {
    const url = await secure(certificates.selfSigned)
    expect((await failure(send(url))).message).toMatch(/^the certificate of 127\.0\.0\.1:\d+ is not trusted$/)
    expect(await send(url, { insecure: true })).toBeUndefined()
  })

  test('a certificate for another name is told as such', async () => {
    const error = await failure(send(await secure(certificates.wrongHost), { ca }))
    expect(error.message).toMatch(/ is for another name$/)
  })

  async function secure({ certFile, keyFile }: Certificate): Promise<string> {
    const server = await startListening(() => ({
      server: createSecureServer(
        { cert: readFileSync(certFile), key: readFileSync(keyFile) },
        (_, response) => response.end(),
      ),
    }))
    onTestFinished(() => server[Symbol.asyncDispose]())
    return `https://127.0.0.1:${server.port}/hook`
  }
})

/** Says what a test wants as soon as a connection has sent something. */
function createPlainServer(say: (write: (text: string) => void) => void) {
  return createServer((socket) => {
    socket.on('error', () => {}) // the client hangs up when it likes
    socket.once('data', () => say((text) => socket.writable && socket.write(text)))
  })
}
