import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { inspect } from 'node:util'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import mail from '../../../channels/mail/index.ts'
import { type Delivery, Undeliverable } from '../../../src/core/channel.ts'
import { aDigest, anAlarm, chinese } from '../../support/alarms.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { startListening } from '../../support/servers/listening.ts'
import { type Smtp, type SmtpMode, type SmtpOptions, startSmtp } from '../../support/servers/smtp.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'

const marker = 'hunter2SECRET'
const auth = { user: 'watch', password: marker }

async function smtp(options: SmtpOptions = {}, mode: SmtpMode = 'accept'): Promise<Smtp> {
  const server = await startSmtp(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  server.become(mode)
  return server
}

/** Sends a digest to ops@ and dev@example.com. */
function send(
  servers: readonly (Smtp | string)[],
  { digest = aDigest(), signal = AbortSignal.timeout(20_000), ...more }: Partial<Sending> = {},
): Promise<Delivery | undefined> {
  const options = mail.options.parse({
    smtp: servers.map((server) => (typeof server === 'string' ? server : server.url)),
    from: 'Watch <watch@example.com>',
    to: ['ops@example.com', 'Dev Team <dev@example.com>'],
    timeout: '1s',
    ...more,
  })
  return mail.send({ options, digest, signal, isWithdrawn: () => false })
}

type Sending = { digest: ReturnType<typeof aDigest>; signal: AbortSignal } & Record<string, unknown>

/** The error of a sending that has to fail; nothing in it or behind it may give the password away. */
async function failure(sending: Promise<unknown>): Promise<Error> {
  const error = await sending.then(
    () => new Error('it was delivered'),
    (reason) => reason,
  )
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(marker)
  expect(inspect(error, { depth: 10 })).not.toContain(Buffer.from(marker).toString('base64').slice(4, -4))
  return error
}

describe('a mail', () => {
  test('holds the digest as plain text and as HTML, for all recipients at once', async () => {
    const server = await smtp()
    const digest = aDigest([anAlarm(), anAlarm('recovered', { entry: 'broker' })])
    expect(await send([server], { digest })).toBeUndefined()
    expect(server.mails).toHaveLength(1)
    const [got] = server.mails
    expect(got).toMatchObject({ from: 'watch@example.com', to: ['ops@example.com', 'dev@example.com'] })
    expect(got?.header('From')).toBe('Watch <watch@example.com>')
    expect(got?.header('To')).toBe('ops@example.com, Dev Team <dev@example.com>')
    expect(got?.header('Subject')).toBe(digest.subject)
    expect(got?.header('Date')).toBe('Fri, 20 Nov 2026 22:47:00 +0000')
    expect(got?.text.replaceAll('\r\n', '\n').trimEnd()).toBe(digest.text)
    expect(got?.html).toContain('memory is 93 % full')
  })

  test('can be Chinese', async () => {
    const server = await smtp()
    const digest = aDigest([anAlarm()], chinese)
    await send([server], { digest })
    const [got] = server.mails
    expect(got?.header('Subject')).toBe('[healthz shop] 严重 1 项发生：cache：内存已使用 93 %')
    expect(got?.text.replaceAll('\r\n', '\n').trimEnd()).toBe(digest.text)
    expect(got?.html).toContain('调大 maxmemory')
  })

  test('carries the key, a stable id and its thread', async () => {
    const server = await smtp()
    const kinds = ['raised', 'raised', 'reminded', 'recovered'] as const
    for (const kind of kinds) await send([server], { digest: aDigest([anAlarm(kind)]) })
    const [first, again, reminded, recovered] = server.mails
    const { key } = aDigest()
    expect(first?.header('X-Healthz-Key')).toBe(key)
    expect(first?.header('Message-ID')).toBe(`<${key}@example.com>`)
    expect(again?.header('Message-ID')).toBe(first?.header('Message-ID'))
    expect(reminded?.header('Message-ID')).not.toBe(first?.header('Message-ID'))
    const thread = first?.header('References')
    expect(thread).toMatch(/^<[0-9a-f]{24}\.occurrence@example\.com>$/)
    for (const later of [reminded, recovered]) {
      expect(later?.header('In-Reply-To')).toBe(thread)
      expect(later?.header('References')).toBe(thread)
    }
  })

  test('of a storm has headers that a server can take', async () => {
    const server = await smtp()
    const storm = Array.from({ length: 300 }, (_, index) => anAlarm('raised', { entry: `entry-${index}` }))
    await send([server], { digest: aDigest(storm) })
    const [got] = server.mails
    const lines = got?.raw.split('\r\n') ?? []
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(998)
    expect(got?.header('References')?.split(' ')).toHaveLength(100)
    expect(got?.text).toContain('entry-299')
  })
})

describe('several servers', () => {
  test('the first is down: the second takes it', async () => {
    const [first, second] = [await smtp(), await smtp()]
    await first.down()
    expect(await send([first, second])).toBeUndefined()
    expect(second.mails).toHaveLength(1)
  })

  test.each(['hang', 'hang-after-data'] as const)(
    'the first does "%s": after its deadline the second takes it',
    async (mode) => {
      const [first, second] = [await smtp({}, mode), await smtp()]
      const start = performance.now()
      expect(await send([first, second], { timeout: '400ms' })).toBeUndefined()
      expect(performance.now() - start).toBeLessThan(2000)
      expect(second.mails).toHaveLength(1)
      expect(second.mails[0]?.header('Message-ID')).toBe(`<${aDigest().key}@example.com>`)
    },
  )

  test('the first swallows all packets: after its deadline the second takes it', async () => {
    const [first, second] = [await smtp(), await smtp()]
    await using proxy = await startTcpFaultProxy(first.port)
    await proxy.become('black-hole')
    expect(await send([`smtp://127.0.0.1:${proxy.port}`, second], { timeout: '400ms' })).toBeUndefined()
    expect(second.mails).toHaveLength(1)
  })

  test.each(['reject', 'tempfail'] as const)('the first does "%s": the second takes it', async (mode) => {
    const [first, second] = [await smtp({}, mode), await smtp()]
    expect(await send([first, second])).toBeUndefined()
    expect(second.mails).toHaveLength(1)
  })

  test('all fail: the error names each of them, and another attempt is worth it', async () => {
    const [down, hanging, refusing] = [await smtp(), await smtp({}, 'hang'), await smtp({}, 'reject')]
    await down.down()
    const error = await failure(send([down, hanging, refusing], { timeout: '300ms' }))
    expect(error).not.toBeInstanceOf(Undeliverable)
    expect(error.message).toMatch(
      new RegExp(
        `^nothing listens on 127.0.0.1:${down.port}; .*${hanging.port}.*; ops@example.com: 550 no such user`,
      ),
    )
  })
})

describe('recipients', () => {
  test('all refused for good: undeliverable', async () => {
    const error = await failure(send([await smtp({}, 'reject')]))
    expect(error).toBeInstanceOf(Undeliverable)
    expect(error.message).toContain('550 no such user')
  })

  test('all refused for now: worth another attempt', async () => {
    const error = await failure(send([await smtp({}, 'tempfail')]))
    expect(error).not.toBeInstanceOf(Undeliverable)
    expect(error.message).toContain('451 try again later')
  })

  test('some refused: the others get it, and the refused are named', async () => {
    await using server = await startPicky(['dev@example.com'])
    expect(await send([server.url])).toEqual({
      refused: ['dev@example.com: 550 no such user: dev@example.com'],
    })
    expect(server.taken).toEqual([['ops@example.com']])
  })

  test('some refused by the first server: the second is asked for these alone', async () => {
    await using picky = await startPicky(['dev@example.com'])
    const second = await smtp()
    expect(await send([picky.url, second])).toBeUndefined()
    expect(picky.taken).toEqual([['ops@example.com']])
    expect(second.mails.map(({ to }) => to)).toEqual([['dev@example.com']])
    expect(second.mails[0]?.header('To')).toBe('ops@example.com, Dev Team <dev@example.com>')
  })

  test('the mail itself refused for good: undeliverable', async () => {
    await using server = await startPicky([], { message: 552 })
    const error = await failure(send([server.url]))
    expect(error).toBeInstanceOf(Undeliverable)
    expect(error.message).toContain('552 the mail is too large')
  })

  test('the mail itself refused for now: worth another attempt', async () => {
    await using server = await startPicky([], { message: 452 })
    expect(await failure(send([server.url]))).not.toBeInstanceOf(Undeliverable)
  })
})

describe('logging in', () => {
  test('works, with the password out of the URL', async () => {
    const server = await smtp({ auth })
    await send([server])
    expect(server.mails[0]?.user).toBe('watch')
    expect(server.mails[0]?.raw).not.toContain(marker)
  })

  test('refused: worth another attempt, since a person may mend it', async () => {
    const server = await smtp({ auth: { user: 'watch', password: 'another' } })
    const error = await failure(send([`smtp://watch:${marker}@127.0.0.1:${server.port}`]))
    expect(error).not.toBeInstanceOf(Undeliverable)
    expect(error.message).toBe(`127.0.0.1:${server.port} refuses the login: 535 authentication failed`)
  })

  test('missing: the server’s wish for one is told', async () => {
    const server = await smtp({ auth })
    const error = await failure(send([`smtp://127.0.0.1:${server.port}`]))
    expect(error.message).toMatch(/wants a password and none is configured: 530 /)
  })

  test('a server that quotes the password does not give it away', async () => {
    await using server = await startPicky([], { says: `wrong password ${marker}` })
    const error = await failure(send([`smtp://watch:${marker}@127.0.0.1:${server.port}`]))
    expect(error.message).toContain('wrong password ***')
  })
})

describe('TLS', () => {
  let certificates: Certificates
  let ca: string
  beforeAll(async () => {
    certificates = await makeCertificates()
    ca = readFileSync(certificates.caFile, 'utf8')
  })
  afterAll(() => certificates[Symbol.asyncDispose]())

  test.each(['starttls', 'implicit'] as const)('%s with an authority of our own', async (mode) => {
    const server = await smtp({ auth, tls: { ...certificates.valid, mode } })
    await send([server], { ca })
    expect(server.mails[0]).toMatchObject({ secure: true, user: 'watch' })
  })

  test.each(['starttls', 'implicit'] as const)(
    '%s with a certificate that nobody vouches for is refused',
    async (mode) => {
      const server = await smtp({ auth, tls: { ...certificates.selfSigned, mode } })
      const error = await failure(send([server]))
      expect(error.message).toBe(`the certificate of 127.0.0.1:${server.port} is not trusted`)
      expect(server.mails).toHaveLength(0)
      await send([server], { insecure: true })
      expect(server.mails[0]).toMatchObject({ secure: true })
    },
  )

  test('a certificate that has expired is told as such', async () => {
    const server = await smtp({ tls: { ...certificates.expired, mode: 'starttls' } })
    expect((await failure(send([server], { ca }))).message).toBe(
      `the certificate of 127.0.0.1:${server.port} has expired`,
    )
  })

  test('"required" sends nothing to a server without STARTTLS; "never" does not use it', async () => {
    const bare = await smtp({ auth })
    const error = await failure(send([bare], { starttls: 'required' }))
    expect(error.message).toBe(`127.0.0.1:${bare.port} does not offer STARTTLS`)
    expect(bare.mails).toHaveLength(0)
    const able = await smtp({ tls: { ...certificates.valid, mode: 'starttls' } })
    await send([able], { ca, starttls: 'never' })
    expect(able.mails[0]).toMatchObject({ secure: false })
  })

  test('smtps:// to a server without TLS is told as such', async () => {
    const bare = await smtp()
    const error = await failure(send([`smtps://127.0.0.1:${bare.port}`]))
    expect(error.message).toBe(`127.0.0.1:${bare.port} does not speak TLS`)
  })
})

describe('aborting', () => {
  test('ends a sending at once, with the reason given', async () => {
    const [server, second] = [await smtp({}, 'hang'), await smtp()]
    const aborting = new AbortController()
    const sending = failure(send([server, second], { signal: aborting.signal, timeout: '10s' }))
    setTimeout(() => aborting.abort(new Error('the term has ended')), 100)
    const start = performance.now()
    expect((await sending).message).toBe('the term has ended')
    expect(performance.now() - start).toBeLessThan(5000)
    expect(second.mails).toHaveLength(0)
  })

  test('after some have got it does not make them get it again', async () => {
    await using picky = await startPicky(['dev@example.com'])
    const { promise: reached, resolve } = Promise.withResolvers<void>()
    await using hanging = await startListening(() => ({ server: createServer(() => resolve()) }))
    const ending = new AbortController()
    const servers = [picky.url, `smtp://127.0.0.1:${hanging.port}`]
    const sending = send(servers, { signal: ending.signal, timeout: '10s' })
    await reached
    ending.abort(new Error('the term has ended'))
    const delivery = await sending
    expect(delivery?.refused).toEqual(['dev@example.com: 550 no such user: dev@example.com'])
  })
})

interface Refusing {
  /** The code with which the mail as such is refused. */
  readonly message?: number
  /** What is said to whoever logs in. */
  readonly says?: string
}

/** A mail server that refuses some recipients, or the mail, or the login. */
async function startPicky(refused: readonly string[], { message, says }: Refusing = {}) {
  const taken: string[][] = []
  const refuse = (responseCode: number, words: string) => Object.assign(new Error(words), { responseCode })
  const listening = await startListening(() => {
    const smtp = new SMTPServer({
      disabledCommands: ['STARTTLS', ...(says === undefined ? ['AUTH'] : [])],
      authOptional: true,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      onAuth: (_auth, _session, done) => done(refuse(535, says ?? '')),
      onRcptTo: ({ address }, _session, done) =>
        done(refused.includes(address) ? refuse(550, `no such user: ${address}`) : null),
      onData(stream, { envelope }, done) {
        stream.resume().once('end', () => {
          if (message !== undefined) return done(refuse(message, 'the mail is too large'))
          taken.push(envelope.rcptTo.map(({ address }) => address))
          done(null, 'queued')
        })
      },
    })
    smtp.on('error', () => {})
    return { server: smtp.server }
  })
  return { ...listening, url: `smtp://127.0.0.1:${listening.port}`, taken }
}
