import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectRedis, type RedisAccess } from '../../../src/clients/redis/connection.ts'
import { RedisRefusal } from '../../../src/clients/redis/refusal.ts'
import { ConnectionFailure, type FailureKind } from '../../../src/core/failure.ts'
import { serverUrl } from '../../../src/core/options.ts'
import { Secret } from '../../../src/core/secret.ts'
import { CannotTell } from '../../../src/core/story.ts'
import { render } from '../../../src/core/text.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { startListening } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'

const marker = 'hunter2SECRET'
const login = serverUrl('redis:', 'rediss:')

describeWith(['redis'], 'a Redis connection', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis({ args: ['--busy-reply-threshold', '50'] })
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  test.each([2, 3] as const)('gives replies of one shape in protocol %i', async (protocol) => {
    using connection = await connect({ url: login.parse(redis.url), protocol })
    await connection.call('HSET', 'h', 'a', 1)
    expect(await connection.call('HGETALL', 'h')).toEqual(['a', '1'])
    expect(await connection.call('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '10000'])
    expect((await connection.info('server', 'clients')).number('connected_clients')).toBeGreaterThan(0)
  })

  test('uses the database that the URL names, and says when there is none such', async () => {
    await redis.cli('set', 'only-in-0', 1)
    using connection = await connect({ url: login.parse(`${redis.url}/3`) })
    expect(await connection.call('EXISTS', 'only-in-0')).toBe(0)
    expect(await failing({ url: login.parse(`${redis.url}/99`) })).toMatchObject({ kind: 'not-found' })
  })

  test('keeps what the server says, and the arguments, out of its errors', async () => {
    using connection = await connect({ url: login.parse(redis.url) })
    const wrong = await errorOf(connection.call('LPUSH', 'h', marker))
    expect(wrong).toBeInstanceOf(RedisRefusal)
    expect(wrong).toMatchObject({ code: 'WRONGTYPE', message: 'LPUSH: refused with WRONGTYPE' })
    const unknown = await errorOf(connection.call('NOSUCHCOMMAND', marker))
    expect(unknown).toBeInstanceOf(CannotTell)
    const subcommand = await errorOf(connection.call('CONFIG', 'NOSUCH', marker))
    expect(render((subcommand as CannotTell).reason)).toContain('does not know CONFIG NOSUCH')
    expect(inspect([wrong, unknown, subcommand], { depth: 9, showHidden: true })).not.toContain(marker)
  })

  test('names the missing right', async () => {
    await redis.cli('acl', 'setuser', 'few', 'on', `>${marker}`, 'resetkeys', '-@all', '+info', '+llen')
    using connection = await connect({
      url: login.parse(redis.url),
      user: 'few',
      password: new Secret(marker),
    })
    const noCommand = await errorOf(connection.call('CONFIG', 'GET', 'save'))
    expect(saidBy(noCommand)).toMatch(/the user few lacks the right \+config\|get$/)
    const noKey = await errorOf(connection.call('LLEN', 'queue'))
    expect(saidBy(noKey)).toMatch(/the user few may not use LLEN on this key or channel$/)
  })

  test('tells a script that blocks the server, and connects all the same where that is asked for', async () => {
    const script = redis.cli('eval', 'while true do end', 0).catch(() => {})
    await until('it is busy', async () => (await failing({ url: login.parse(redis.url) })).kind === 'busy')
    using connection = await connect({ url: login.parse(redis.url), evenIf: ['BUSY'] })
    expect(saidBy(await errorOf(connection.call('INFO')))).toContain('is blocked by a long command')
    await connection.call('SCRIPT', 'KILL')
    await script
  })

  test('every call under way fails with one reason when the server does not answer', async () => {
    using connection = await connect({ url: login.parse(redis.url), commandTimeout: 300 })
    redis.freeze()
    try {
      const lost = await Promise.all([errorOf(connection.call('PING')), errorOf(connection.call('GET', 'x'))])
      expect(lost.map((error) => (error as ConnectionFailure).kind)).toEqual([
        'timeout-reply',
        'timeout-reply',
      ])
      expect(await errorOf(connection.call('PING'))).toBe(lost[0])
    } finally {
      redis.thaw()
    }
  })

  test('a hung server is told within 4 s, and leaves no socket', async () => {
    redis.freeze()
    try {
      const start = performance.now()
      expect(await failing({ url: login.parse(redis.url) })).toMatchObject({ kind: 'timeout-reply' })
      expect(performance.now() - start).toBeLessThan(4000)
      await until('no socket is left', () => !process.getActiveResourcesInfo().includes('TCPSocketWrap'))
    } finally {
      redis.thaw()
    }
  })

  test('gives up when its signal aborts', async () => {
    redis.freeze()
    try {
      const stop = new AbortController()
      const opening = errorOf(connectRedis({ url: login.parse(redis.url), signal: stop.signal }))
      stop.abort(new Error('enough'))
      expect(await opening).toEqual(new Error('enough'))
    } finally {
      redis.thaw()
    }
  })
})

describeWith(['redis'], 'why a Redis connection fails', () => {
  test('nothing listens', async () => {
    const start = performance.now()
    for (const host of ['127.0.0.1', 'localhost'])
      expect(await failing({ url: login.parse(`redis://${host}:${await freePort()}`) })).toMatchObject({
        kind: 'refused',
      })
    expect(performance.now() - start).toBeLessThan(2500)
  })

  test.each<[string, FailureKind, Partial<RedisAccess>, 2 | 3]>([
    ['no password', 'auth-missing', {}, 3],
    ['no password in protocol 2', 'auth-missing', {}, 2],
    ['a wrong password', 'auth-failed', { password: new Secret('wrong-hunter2SECRET') }, 3],
    ['a wrong password in protocol 2', 'auth-failed', { password: new Secret('wrong-hunter2SECRET') }, 2],
    ['a wrong user', 'auth-failed', { user: 'nobody', password: new Secret(marker) }, 3],
  ])('%s', async (_title, kind, access, protocol) => {
    await using redis = await startRedis({ password: marker })
    const failure = await failing({
      url: login.parse(`redis://127.0.0.1:${redis.port}`),
      protocol,
      ...access,
    })
    expect(failure).toMatchObject({ kind })
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(marker)
  })

  test('it has no room for another client', async () => {
    await using redis = await startRedis({ args: ['--maxclients', '1'] })
    // The harness may still hold the place for a moment.
    using _first = await until('there is a place', () => connect({ url: login.parse(redis.url) }))
    expect(await failing({ url: login.parse(redis.url) })).toMatchObject({ kind: 'too-many' })
  })

  test('it loads its data', async () => {
    await using redis = await startRedis()
    await redis.cli('debug', 'populate', 8000)
    await redis.cli('save')
    const slowly = ['--key-load-delay', '300', '--loading-process-events-interval-bytes', '1024']
    const port = await freePort()
    const loading = startRedis({ dir: redis.dir, args: [...slowly, '--port', `${port}`] })
    const url = login.parse(`redis://127.0.0.1:${port}`)
    const failure = await until('it loads', async () => {
      const found = await failing({ url })
      return found.kind === 'starting' && found
    })
    expect(failure.severity).toBe('warning')
    expect(saidBy(failure)).toMatch(
      /still starting: it has loaded [\d.]+ % of its data in .+ and needs about/,
    )
    const stuck = await failing({ url, startingMax: 0 })
    expect(stuck.severity).toBe('critical')
    await (await loading)[Symbol.asyncDispose]()
  })

  test('a replica that serves nothing without its master', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master, args: ['--replica-serve-stale-data', 'no'] })
    await master.kill()
    await until('the link is down', async () =>
      String(await replica.cli('info', 'replication')).includes('master_link_status:down'),
    )
    expect(await failing({ url: login.parse(replica.url) })).toMatchObject({ kind: 'read-only' })
    using connection = await connect({ url: login.parse(replica.url), evenIf: ['MASTERDOWN'] })
    expect((await connection.info('replication')).text('role')).toBe('slave')
  })

  test.each<[string, () => Promise<AsyncDisposable & { readonly port: number }>, FailureKind]>([
    ['a web server', () => startHttpReceiver(), 'protocol'],
    ['a server that greets in another tongue', () => greeter('SSH-2.0-OpenSSH_9.2\r\n'), 'protocol'],
    ['one that closes at once', () => greeter(null), 'reset'],
    ['one that refuses strangers', () => greeter('-DENIED Redis is running in protected mode\r\n'), 'reset'],
  ])('%s', async (_title, start, kind) => {
    await using server = await start()
    expect(await failing({ url: login.parse(`redis://127.0.0.1:${server.port}`) })).toMatchObject({ kind })
  })

  test('a connection that is reset', async () => {
    await using redis = await startRedis()
    await using proxy = await startTcpFaultProxy(redis.port)
    await proxy.become('reset')
    expect(await failing({ url: login.parse(`redis://127.0.0.1:${proxy.port}`) })).toMatchObject({
      kind: 'reset',
    })
  })
})

describeWith(['redis', 'openssl'], 'a Redis connection over TLS', () => {
  let certificates: Certificates
  let ca: string
  beforeAll(async () => {
    certificates = await makeCertificates()
    ca = await readFile(certificates.caFile, 'utf8')
  })
  afterAll(() => certificates[Symbol.asyncDispose]())

  test('trusts the authority that it is given, or anything where it is told to', async () => {
    await using redis = await startRedis({ tls: certificates.valid })
    const url = login.parse(`rediss://localhost:${redis.tlsPort}`)
    using trusting = await connect({ url, ca })
    expect(await trusting.call('PING')).toBe('PONG')
    using careless = await connect({ url, insecure: true })
    expect(await careless.call('PING')).toBe('PONG')
    expect(await failing({ url })).toMatchObject({ kind: 'tls-untrusted' })
  })

  test.each<['expired' | 'wrongHost' | 'selfSigned', FailureKind]>([
    ['expired', 'tls-expired'],
    ['wrongHost', 'tls-hostname'],
    ['selfSigned', 'tls-untrusted'],
  ])('tells a certificate that is %s', async (name, kind) => {
    await using redis = await startRedis({ tls: certificates[name] })
    const url = login.parse(`rediss://localhost:${redis.tlsPort}`)
    const failure = await failing({ url, ca })
    expect(failure).toMatchObject({ kind })
    const subject = name === 'wrongHost' ? 'elsewhere.example' : 'localhost'
    expect(saidBy(failure)).toMatch(new RegExp(`: it was issued to ${subject} and is valid until 20\\d\\d-`))
  })

  test('tells a server that wants a certificate of its clients', async () => {
    const args = ['--tls-auth-clients', 'yes', '--tls-ca-cert-file', certificates.caFile]
    await using redis = await startRedis({ tls: certificates.valid, args })
    const failure = await failing({ url: login.parse(`rediss://localhost:${redis.tlsPort}`), ca })
    expect(saidBy(failure)).toContain('it wants its clients to show a certificate')
  })

  test('tells a port that speaks no TLS, and one that speaks nothing else', async () => {
    await using redis = await startRedis({ tls: certificates.valid })
    const plain = await failing({ url: login.parse(`rediss://localhost:${redis.port}`), ca })
    expect(plain).toMatchObject({ kind: 'tls-plain' })
    const tls = await failing({ url: login.parse(`redis://localhost:${redis.tlsPort}`) })
    expect(tls).toMatchObject({ kind: 'reset' })
    expect(render(tls.advice)).toContain('write rediss: in the URL')
  })

  test('a hung server is told within 4 s', async () => {
    await using redis = await startRedis({ tls: certificates.valid })
    redis.freeze()
    const start = performance.now()
    const failure = await failing({ url: login.parse(`rediss://localhost:${redis.tlsPort}`), ca })
    expect(failure).toMatchObject({ kind: 'timeout-reply' })
    expect(performance.now() - start).toBeLessThan(4000)
  })
})

describe('a Redis connection without a server', () => {
  test('tells a name that nobody knows', async () => {
    expect(await failing({ url: login.parse('redis://no-such-host.invalid') })).toMatchObject({ kind: 'dns' })
  })
})

function connect(access: Omit<RedisAccess, 'signal'>) {
  return connectRedis({ ...access, signal: new AbortController().signal })
}

async function failing(access: Omit<RedisAccess, 'signal'>): Promise<ConnectionFailure> {
  const error = await errorOf(connect(access))
  if (error instanceof ConnectionFailure) return error
  throw new Error('it did not fail as a connection does', { cause: error })
}

function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error) => error,
  )
}

function saidBy(error: unknown): string {
  return error instanceof ConnectionFailure ? render(error.summary) : String(error)
}

/** A server that says this and closes. */
function greeter(greeting: string | null) {
  return startListening(() => ({
    server: createServer((socket) => void socket.on('error', () => {}).end(greeting ?? '')),
  }))
}
