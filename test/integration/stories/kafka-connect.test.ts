import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import kafkaStory from '../../../stories/kafka/index.ts'
import { leaksIn, secret } from '../../support/leaks.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { type Kafka, type KafkaBroker, startKafka } from '../../support/servers/kafka.ts'
import { startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

describeWith(['java', 'openssl'], 'reaching a Kafka', () => {
  const open = new AsyncDisposableStack()
  let certificates: Certificates
  let kafka: Kafka
  let broker: KafkaBroker
  let ca: string

  beforeAll(async () => {
    certificates = open.use(await makeCertificates())
    ca = await readFile(certificates.caFile, 'utf8')
    kafka = open.use(
      await startKafka({
        users: { mon: 'mon-pw' },
        certificate: certificates.valid,
        conf: 'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256',
      }),
    )
    const [only] = kafka.brokers
    if (only === undefined) throw new Error('no broker')
    broker = only
    await kafka.admin.scramUser('scram', 'scram-pw')
  }, 120_000)

  afterAll(() => open.disposeAsync())

  const plainly = () => ({ brokers: [`127.0.0.1:${broker.port}`] })
  const withLogin = () => ({
    brokers: [`127.0.0.1:${broker.saslPort}`],
    user: 'mon',
    password: 'mon-pw',
    mechanism: 'PLAIN',
  })
  const overTls = () => ({ ...withLogin(), brokers: [`localhost:${broker.tlsPort}`], tls: true, ca })
  const tell = (options: Record<string, unknown>) => teller(kafkaStory, options).tell('connect', 'offline')

  test('plainly, by PLAIN, by SCRAM and over TLS', async () => {
    const scram = { user: 'scram', password: 'scram-pw', mechanism: 'SCRAM-SHA-256' }
    for (const options of [
      plainly(),
      withLogin(),
      overTls(),
      { ...withLogin(), ...scram },
      { ...overTls(), ...scram },
      { ...overTls(), ca: undefined, insecure: true },
    ]) {
      const told = await until('the user is known', async () => {
        const told = await tell(options)
        return told.step('connect').outcome === 'ok' && told
      })
      expect(told.step('connect').notes.map((note) => render(note))).toEqual(['1 of 1 address reached'])
    }
  })

  describe('in vain', () => {
    const cases: readonly {
      readonly when: string
      readonly with: () => Record<string, unknown>
      readonly kind: string
      readonly says: string | RegExp
    }[] = [
      {
        when: 'with a wrong password',
        with: () => ({ ...withLogin(), password: 'wrong' }),
        kind: 'auth-failed',
        says: /refuses the login: the user mon by PLAIN$/,
      },
      {
        when: 'with a wrong password by SCRAM',
        with: () => ({ ...withLogin(), user: 'scram', password: 'wrong', mechanism: 'SCRAM-SHA-256' }),
        kind: 'auth-failed',
        says: /refuses the login: the user scram by SCRAM-SHA-256$/,
      },
      {
        when: 'without a login where one is wanted',
        with: () => ({ brokers: [`127.0.0.1:${broker.saslPort}`] }),
        kind: 'auth-missing',
        says: /wants a password and none is configured$/,
      },
      {
        when: 'with a login where none is taken',
        with: () => ({ ...withLogin(), ...plainly() }),
        kind: 'protocol',
        says: /this port takes no logins$/,
      },
      {
        when: 'plainly at a port that speaks TLS',
        with: () => ({ ...withLogin(), brokers: [`localhost:${broker.tlsPort}`] }),
        kind: 'protocol',
        says: /it speaks TLS$/,
      },
      {
        when: 'by TLS at a port that does not',
        with: () => ({ ...plainly(), tls: true, ca }),
        kind: 'tls-plain',
        says: /does not speak TLS$/,
      },
      {
        when: 'with a certificate of an authority that nobody named',
        with: () => ({ ...overTls(), ca: undefined }),
        kind: 'tls-untrusted',
        says: /is not trusted: it was issued to localhost and is valid until /,
      },
    ]
    for (const { when, kind, says, ...given } of cases) {
      test(`${when}: it is told as it is`, async () => {
        const told = await tell(given.with())
        expect(told.step('connect').findings).toMatchObject([{ severity: 'critical', evidence: { kind } }])
        expect(told.summaries('connect')[0]).toMatch(says)
        expect(told.step('offline').outcome).toBe('skipped')
      })
    }

    test('a mechanism that the port does not offer is told with those that it offers', async () => {
      const told = await tell({ ...withLogin(), mechanism: 'SCRAM-SHA-512' })
      expect(told.summaries('connect')[0]).toMatch(
        /: it offers no SCRAM-SHA-512, but (PLAIN, SCRAM-SHA-256|SCRAM-SHA-256, PLAIN)$/,
      )
    })

    test('a port of another service is told', async () => {
      await using web = await startListening(() => ({ server: createServer() }))
      const told = await tell({ brokers: [`127.0.0.1:${web.port}`] })
      expect(told.summaries('connect')).toEqual([`127.0.0.1:${web.port} speaks another protocol`])
    })
  })

  test('of two addresses the one that does not work is told', async () => {
    const port = await freePort()
    const told = await tell({ brokers: [`127.0.0.1:${port}`, ...plainly().brokers] })
    expect(told.summaries('connect')).toEqual([`nothing listens on 127.0.0.1:${port}`])
    expect(told.step('connect').findings).toMatchObject([{ severity: 'warning' }])
    expect(told.step('offline').outcome).toBe('ok')
  })

  test('an address that the brokers give to clients, and that does not work, is told with its cause', async () => {
    const port = await freePort()
    await using other = await startKafka({ conf: `advertised.listeners=PLAINTEXT://127.0.0.1:${port}` })
    const told = await tell({ brokers: [`127.0.0.1:${other.brokers[0]?.port}`] })
    expect(told.summaries('connect')).toEqual([
      `broker 1 gives clients an address that does not work: nothing listens on 127.0.0.1:${port}`,
    ])
    expect(render(told.step('connect').findings[0]?.advice ?? '')).toContain('advertised.listeners')
  })

  test('a broker that hangs is told as such, whatever the way to it', async () => {
    broker.freeze()
    try {
      const all = await Promise.all([plainly(), withLogin(), overTls()].map(tell))
      for (const told of all) {
        expect(told.summaries('connect')[0]).toContain('accepts TCP but does not answer')
        expect(told.step('connect').took).toBeLessThan(8000)
      }
    } finally {
      broker.thaw()
    }
    await until('it answers again', async () => (await tell(plainly())).step('connect').outcome === 'ok')
  })

  describeWith(['redis'], 'at a port that accepts nobody any more', () => {
    test('it is told that nothing answers a TCP connect', async () => {
      await using redis = await startRedis({ args: ['--tcp-backlog', '1'] })
      redis.freeze()
      const waiting = Array.from({ length: 8 }, () => connect(redis.port, '127.0.0.1').on('error', () => {}))
      try {
        await until('its backlog is full', () => waiting.filter(({ connecting }) => !connecting).length >= 2)
        const told = await tell({ brokers: [`127.0.0.1:${redis.port}`] })
        expect(told.summaries('connect')).toEqual([`no answer to a TCP connect from 127.0.0.1:${redis.port}`])
      } finally {
        for (const socket of waiting) socket.destroy()
      }
    })
  })

  test('no output holds the password, whether it is right or wrong', async () => {
    await kafka.admin.scramUser('leaky', secret)
    const leaky = { ...withLogin(), user: 'leaky', password: secret, mechanism: 'SCRAM-SHA-256' }
    await until('the user is known', async () => (await tell(leaky)).step('connect').outcome === 'ok')
    const wrong = { ...withLogin(), password: secret }
    const places = [leaky, wrong, { ...leaky, ...plainly() }, { ...wrong, tls: true }]
    for (const options of places) {
      const parsed = kafkaStory.options.parse(options)
      const told: Told = await teller(kafkaStory, options).tell()
      const error = await Promise.resolve(
        kafkaStory.open?.({ options: parsed, signal: AbortSignal.timeout(5000) }),
      )
        .then((target) => target?.[Symbol.asyncDispose]())
        .catch((caught: unknown) => caught)
      expect(
        leaksIn({
          told: JSON.stringify(told.steps) + inspect(told, { depth: 12, showHidden: true }),
          options: JSON.stringify(parsed) + inspect(parsed, { depth: 12, showHidden: true }),
          error: inspect(error, { depth: 12, showHidden: true }),
        }),
      ).toEqual([])
    }
  })

  test('what is down is told, and what comes back is well', async () => {
    await broker.kill()
    const told = await tell(plainly())
    expect(told.summaries('connect')).toEqual([`nothing listens on 127.0.0.1:${broker.port}`])
    await broker.restart()
    await until('it is well', async () => (await tell(plainly())).step('offline').outcome === 'ok')
  })
})
