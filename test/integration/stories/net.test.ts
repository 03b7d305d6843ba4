import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import net from '../../../stories/net/index.ts'
import { describeWith } from '../../support/needs.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'
import { type Dns, startDns } from '../../support/servers/dns.ts'
import { type Listening, startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startRedis } from '../../support/servers/redis.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const talking = (greeting: string) => (): { server: Server } => ({
  server: createServer((socket) => {
    socket.on('error', () => {})
    if (greeting !== '') socket.write(greeting)
    socket.on('data', (data) => socket.write(`echo ${data}`))
  }),
})

describe('ports', () => {
  let mail: Listening
  let mute: Listening

  beforeAll(async () => {
    mail = await startListening(talking('220 mail.test ESMTP\r\n'))
    mute = await startListening(talking(''))
  })

  afterAll(async () => {
    await mail?.[Symbol.asyncDispose]()
    await mute?.[Symbol.asyncDispose]()
  })

  const at = (port: number) => `127.0.0.1:${port}`

  test('ports that take connections and say what they should are fine', async () => {
    const told = await teller(net, {
      tcp: [
        at(mute.port),
        { at: at(mail.port), says: '220 ' },
        { at: at(mute.port), send: 'PING\\r\\n', says: 'echo PING\r\n' },
      ],
    }).tell()
    expect(Object.keys(told.steps)).toEqual(['tcp'])
    expect(told.step('tcp').outcome).toBe('ok')
  })

  test('each port that cannot be reached is a problem of its own, with its reason', async () => {
    const refused = at(await freePort())
    const told = await teller(net, { tcp: [at(mute.port), refused, 'no-such-host.invalid:80'] }).tell('tcp')
    expect(told.step('tcp').findings).toMatchObject([
      { key: refused, severity: 'critical', evidence: { kind: 'refused' } },
      { key: 'no-such-host.invalid:80', severity: 'critical', evidence: { kind: 'dns' } },
    ])
    expect(told.summaries('tcp')[0]).toBe(`nothing listens on ${refused}`)
  })

  test('a server that says nothing, or something else, is told apart from one that is down', async () => {
    await using closing = await startListening(() => ({ server: createServer((socket) => socket.end()) }))
    const told = await teller(net, {
      tcp: [
        { at: at(mute.port), says: '220 ' },
        { at: at(mail.port), says: 'SSH-' },
        { at: at(closing.port), says: '220 ' },
      ],
    }).tell('tcp')
    expect(told.summaries('tcp')).toEqual([
      `${at(mute.port)} accepts TCP but does not answer: nothing within 3 s`,
      `${at(mail.port)} speaks another protocol: it begins with "220 mail.test ESMTP" and should say "SSH-"`,
      `${at(closing.port)} closes the connection during the handshake`,
    ])
  })

  test('a slow connect is told with its time and its limit', async () => {
    const told = await teller(net, { tcp: [at(mute.port)] }, { tcp: { slow: '0s' } }).tell('tcp')
    expect(told.summaries('tcp')).toEqual([
      expect.stringMatching(/^a connect to 127\.0\.0\.1:\d+ takes \d+ ms \(limit 0 ms\)$/),
    ])
    expect(told.step('tcp').findings[0]?.severity).toBe('warning')
  })

  test('many dead ports are twenty problems', async () => {
    const port = await freePort()
    const tcp = Array.from({ length: 30 }, (_, index) => `127.0.0.${index + 1}:${port}`)
    const told = await teller(net, { tcp }).tell('tcp')
    expect(told.step('tcp').findings).toHaveLength(20)
    expect(told.summaries('tcp').at(-1)).toBe('there are 11 more problems of this kind')
  })

  test('a port that must be closed is a problem once it is open', async () => {
    const closed = at(await freePort())
    const steps = (ports: readonly string[]) => ({ 'port-closed': { ports } })
    const fine = await teller(net, {}, steps([closed])).tell('port-closed')
    expect(fine.step('port-closed').outcome).toBe('ok')
    const told = await teller(net, {}, steps([closed, at(mute.port)])).tell('port-closed')
    expect(told.summaries('port-closed')).toEqual([`${at(mute.port)} takes connections, and must be closed`])
    const untold = await teller(net, {}, steps(['no-such-host.invalid:1'])).tell('port-closed')
    expect(untold.step('port-closed').outcome).toBe('unknown')
    expect((await teller(net, {}, steps([])).tell('port-closed')).step('port-closed').outcome).toBe('unknown')
  })

  test.each(['db', 'db:0', 'db:70000', 'http://db:80', '::1:80'])('%s is no place', (place) => {
    expect(net.options.safeParse({ tcp: [place] }).success).toBe(false)
  })
})

describeWith(['redis'], 'a server that accepts nobody any more', () => {
  test('a full backlog gives no answer to a connect', async () => {
    await using redis = await startRedis({ args: ['--tcp-backlog', '1'] })
    redis.freeze()
    const waiting = Array.from({ length: 8 }, () => connect(redis.port, '127.0.0.1').on('error', () => {}))
    try {
      await until('its backlog is full', () => waiting.filter(({ connecting }) => !connecting).length >= 2)
      const told = await teller(net, { tcp: [`127.0.0.1:${redis.port}`] }).tell('tcp')
      expect(told.summaries('tcp')).toEqual([
        `no answer to a TCP connect from 127.0.0.1:${redis.port}: nothing within 3 s`,
      ])
    } finally {
      for (const socket of waiting) socket.destroy()
    }
  })
})

describeWith(['openssl'], 'ports with TLS', () => {
  test('a certificate that clients refuse is a problem, and one they accept is not', async () => {
    await using certificates = await makeCertificates()
    const [ca, key, cert] = await Promise.all(
      [certificates.caFile, certificates.valid.keyFile, certificates.valid.certFile].map((file) =>
        readFile(file, 'utf8'),
      ),
    )
    await using listening = await startListening(() => ({
      server: createTlsServer({ key: String(key), cert: String(cert) }, (socket) =>
        socket.on('error', () => {}),
      ),
    }))
    const at = `localhost:${listening.port}`
    expect((await teller(net, { tcp: [{ at, tls: true, ca }] }).tell()).step('tcp').outcome).toBe('ok')
    const told = await teller(net, { tcp: [{ at, tls: true }] }).tell()
    expect(told.step('tcp').findings).toMatchObject([{ evidence: { kind: 'tls-untrusted' } }])
  })
})

describe('names', () => {
  let one: Dns
  let two: Dns

  beforeAll(async () => {
    one = await startDns()
    two = await startDns()
    for (const dns of [one, two]) {
      dns.reply('A ok.test', { records: ['127.0.0.9', '127.0.0.8'] })
      dns.reply('AAAA ok.test', { records: ['0:0:0:0:0:0:0:1'] })
      dns.reply('MX ok.test', { records: ['10 mail.ok.test', '20 Spare.ok.test'] })
      dns.reply('TXT ok.test', { records: ['v=spf1 -all'] })
    }
  })

  afterAll(async () => {
    await one?.[Symbol.asyncDispose]()
    await two?.[Symbol.asyncDispose]()
  })

  const ask = (...dns: readonly object[]) =>
    teller(net, {
      dns: dns.map((question) => ({ resolvers: [one.address, two.address], ...question })),
    }).tell()

  test('names that are answered as expected are fine, in whatever order', async () => {
    const told = await ask(
      { name: 'ok.test' },
      { name: 'OK.test.', expect: ['127.0.0.8', '127.0.0.9'] },
      { name: 'ok.test', type: 'AAAA', expect: ['::1'] },
      { name: 'ok.test', type: 'MX', expect: ['20 spare.ok.test', '10 mail.ok.test.'] },
      { name: 'ok.test', type: 'TXT', expect: ['v=spf1 -all'] },
      { name: 'localhost', expect: ['127.0.0.1'], resolvers: ['system'] },
    )
    expect(told.summaries('dns')).toEqual([])
    expect(Object.keys(told.steps)).toEqual(['dns'])
    expect(told.step('dns')).toMatchObject({ outcome: 'ok', notes: [{ values: [11, { count: 11 }] }] })
  })

  test.each([
    ['A gone.test', 'NXDOMAIN', 'says that there is no such name (NXDOMAIN)'],
    ['A fails.test', 'SERVFAIL', 'fails to find it out (SERVFAIL)'],
    ['A refused.test', 'REFUSED', 'refuses to answer (REFUSED)'],
    ['A other.test', 'NODATA', 'knows the name, but no record of this type'],
  ] as const)('%s that every resolver answers with %s is critical', async (question, reply, words) => {
    one.reply(question, reply)
    two.reply(question, reply)
    const told = await ask({ name: question.slice(2) })
    expect(told.summaries('dns')).toEqual([
      `${question} is not answered as it should: ${one.address} ${words}, ${two.address} ${words}`,
    ])
    expect(told.step('dns').findings[0]).toMatchObject({ key: question, severity: 'critical' })
  })

  test('an answer that one resolver has wrong is told with what it gives', async () => {
    one.reply('A moved.test', { records: ['127.0.0.1'] })
    two.reply('A moved.test', { records: ['127.0.0.2'] })
    const told = await ask({ name: 'moved.test', expect: ['127.0.0.1'] })
    expect(told.summaries('dns')).toEqual([
      `A moved.test is not answered as it should: ${two.address} gives 127.0.0.2 (expected 127.0.0.1)`,
    ])
    expect(told.step('dns').findings[0]).toMatchObject({ severity: 'warning' })
  })

  test('one resolver of two that is dead is a warning, the only one is critical; both are one problem each', async () => {
    const dead = `127.0.0.1:${await freePort()}`
    const told = await ask(
      { name: 'ok.test', resolvers: [one.address, dead] },
      { name: 'ok.test', type: 'TXT', resolvers: [one.address, dead] },
    )
    expect(told.step('dns').findings).toMatchObject([
      { key: `resolver ${dead}`, severity: 'warning', evidence: { names: 1 } },
    ])
    const only = await ask({ name: 'ok.test', resolvers: [dead] })
    expect(only.step('dns').findings).toMatchObject([{ key: `resolver ${dead}`, severity: 'critical' }])
  })

  test('a resolver that stays silent ends in time', async () => {
    one.reply('A silent.test', 'silence')
    const told = await ask({ name: 'silent.test', resolvers: [one.address] })
    expect(told.summaries('dns')).toEqual([
      `the resolver ${one.address} does not answer for silent.test: no answer in time`,
    ])
    expect(told.step('dns').took).toBeLessThan(8000)
  })

  test('a slow answer is told with its time', async () => {
    one.reply('A slow.test', { records: ['127.0.0.1'], after: 120 })
    const question = { name: 'slow.test', resolvers: [one.address] }
    const told = await teller(net, { dns: [question] }, { dns: { slow: '100ms' } }).tell()
    expect(told.summaries('dns')).toEqual([
      expect.stringMatching(/ takes [1-9]\d\d ms for A slow\.test \(limit 100 ms\)$/),
    ])
    expect((await teller(net, { dns: [question] }).tell()).step('dns').outcome).toBe('ok')
  })

  test('the resolver of the host gives addresses only', async () => {
    const told = await ask({ name: 'ok.test', type: 'MX', resolvers: ['system'] })
    expect(told.step('dns').outcome).toBe('unknown')
    const gone = await ask({ name: 'no-such-host.invalid', resolvers: ['system'] })
    expect(gone.step('dns').outcome).toBe('problem')
  })
})

describeWith(['ping'], 'pings', () => {
  test('a host that answers is fine, one that is too slow is told, and so is an unknown name', async () => {
    expect((await teller(net, { ping: ['127.0.0.1'] }).tell()).step('ping').outcome).toBe('ok')
    const slow = await teller(net, { ping: ['127.0.0.1'] }, { ping: { rtt: '0s', count: 2 } }).tell()
    expect(slow.summaries('ping')).toEqual([
      expect.stringMatching(/^a ping to 127\.0\.0\.1 takes .* \(limit 0 ms\)$/),
    ])
    const unknown = await teller(net, { ping: ['no-such-host.invalid'] }).tell()
    expect(unknown.step('ping').findings).toMatchObject([{ severity: 'critical', evidence: { kind: 'dns' } }])
  })
})

describe('pings, with recorded answers of ping', () => {
  test('lost pings are a warning, and all lost critical', async () => {
    await using ping = await fakePing()
    await ping.says(statistics(5, 4), 0)
    expect((await tellPing()).summaries('ping')).toEqual([
      '10.9.9.2 answered 4 of 5 pings (loss 20 %, limit 20 %)',
    ])
    await ping.says(statistics(5, 0), 1)
    expect((await tellPing()).step('ping').findings).toMatchObject([
      { key: '10.9.9.2', severity: 'critical', evidence: { sent: 5, received: 0, averageMs: null } },
    ])
    await ping.says('ping: connect: Network is unreachable', 2)
    expect((await tellPing()).step('ping').findings).toMatchObject([{ severity: 'critical' }])
    await ping.says(statistics(5, 5), 0)
    expect((await tellPing()).step('ping').outcome).toBe('ok')
  })

  test('a host that drops pings but takes connections is no problem, and not fine', async () => {
    await using ping = await fakePing()
    await ping.says(statistics(5, 0), 1)
    await using open = await startListening(talking(''))
    const told = await tellPing('127.0.0.1', { tcp: [`127.0.0.1:${open.port}`] })
    expect(told.step('ping')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('ping')).toContain('a firewall drops pings')
  })

  test('a missing program or right is told as such, never as a lost host', async () => {
    await using ping = await fakePing()
    await ping.says('ping: socktype: SOCK_RAW\nping: socket: Operation not permitted', 2)
    expect((await tellPing()).reason('ping')).toContain('setcap cap_net_raw+ep')
    await ping.says('Terminated', 143)
    expect((await tellPing()).reason('ping')).toContain('nothing that could be counted')
    await ping.remove()
    const told = await tellPing()
    expect(told.step('ping').outcome).toBe('unknown')
    expect(told.reason('ping')).toContain('the program ping is not installed')
  })

  test('a host cannot pass for an option of ping', () => {
    expect(net.options.safeParse({ ping: ['-f'] }).success).toBe(false)
  })
})

const tellPing = (host = '10.9.9.2', more: object = {}) => teller(net, { ping: [host], ...more }).tell('ping')

const statistics = (sent: number, received: number) => `--- 10.9.9.2 ping statistics ---
${sent} packets transmitted, ${received} received, ${100 - (received / sent) * 100}% packet loss, time 805ms
${received > 0 ? 'rtt min/avg/max/mdev = 0.021/0.034/0.051/0.010 ms' : ''}`

/** A `ping` that is found first, and alone in the PATH. */
async function fakePing() {
  const dir = await makeTempDir()
  const before = process.env['PATH']
  const file = join(dir.path, 'ping')
  process.env['PATH'] = dir.path
  return {
    async says(output: string, status: number) {
      await writeFile(file, `#!/bin/sh\nprintf '%s\\n' '${output}'\nexit ${status}\n`)
      await chmod(file, 0o755)
    },
    remove: () => rm(file),
    async [Symbol.asyncDispose]() {
      process.env['PATH'] = before
      await dir[Symbol.asyncDispose]()
    },
  }
}
