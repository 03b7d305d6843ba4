import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, expect, test } from 'vitest'
import mysql from '../../../stories/mysql/index.ts'
import { placeOf } from '../../../stories/mysql/options.ts'
import { openSession } from '../../../stories/mysql/session.ts'
import { describeWith } from '../../support/needs.ts'
import { freezeWhole } from '../../support/servers/frozen.ts'
import { startListening } from '../../support/servers/listening.ts'
import { type Mariadb, startMariadb } from '../../support/servers/mariadb.ts'
import { freePort } from '../../support/servers/ports.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const password = 'hunter2SECRET'

/** The one problem that a failed opening is. */
function failure(told: Told) {
  const { findings } = told.step('connect')
  expect(findings).toHaveLength(1)
  expect(told.step('connections').outcome).toBe('skipped')
  expect(inspect(told.steps, { depth: 20 })).not.toContain(password)
  return {
    kind: findings[0]?.evidence['kind'],
    severity: findings[0]?.severity,
    words: told.summaries('connect')[0],
  }
}

describeWith(['mariadb'], 'reaching MySQL', () => {
  let server: Mariadb
  const at = (more: object = {}) => ({ host: '127.0.0.1', port: server.port, user: 'w', password, ...more })

  const open = async (more: object, signal = AbortSignal.timeout(8000)) =>
    mysql.open?.({ options: mysql.options.parse(at(more)), signal })
  const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

  beforeAll(async () => {
    server = await startMariadb()
    await server.query(
      `create user w@'%' identified by '${password}'; grant process, slave monitor on *.* to w@'%'`,
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('a healthy server is told with its version, leaves no connection behind and says goodbye', async () => {
    const told = await teller(mysql, at({ grace: '0s' })).tell()
    expect(Object.values(told.steps).filter(({ outcome }) => outcome === 'problem')).toEqual([])
    expect(told.step('connect').outcome).toBe('ok')
    expect(JSON.stringify(told.step('connect').notes)).toContain('MariaDB')
    expect(inspect(told, { depth: 20 })).not.toContain(password)
    await until('the connection is gone', async () => {
      const [row] = await server.query(
        `select count(*) as n from information_schema.processlist where user = 'w'`,
      )
      return Number(row?.['n']) === 0
    })
    // The server writes a line about each client that goes without a goodbye.
    expect(server.log()).not.toContain(`user: 'w'`)
  })

  test('it is reached over its socket and by URL as well', async () => {
    await server.query(`create user w@localhost identified by '${password}'`)
    const overSocket = await teller(mysql, { socket: server.socket, user: 'w', password }).tell('connect')
    expect(overSocket.step('connect').outcome).toBe('ok')
    const byUrl = teller(mysql, { url: `mysql://w:${password}@127.0.0.1:${server.port}` })
    expect((await byUrl.tell('connect')).step('connect').outcome).toBe('ok')
  })

  test('a port without a listener and a path without a socket are refused', async () => {
    const port = await freePort()
    expect(failure(await teller(mysql, at({ port })).tell())).toEqual({
      kind: 'refused',
      severity: 'critical',
      words: `nothing listens on 127.0.0.1:${port}`,
    })
    const dualStack = await teller(mysql, at({ host: 'localhost', port })).tell()
    expect(failure(dualStack)).toMatchObject({ kind: 'refused' })
    const socket = await teller(mysql, { socket: '/nowhere/m.sock', user: 'w', password }).tell()
    expect(failure(socket)).toMatchObject({ kind: 'refused' })
  })

  test('a server that hangs is told within five seconds', async () => {
    server.freeze()
    try {
      const begun = performance.now()
      const before = openSockets()
      const told = await teller(mysql, at()).tell()
      await until('its socket is closed', () => openSockets() <= before)
      expect(performance.now() - begun).toBeLessThan(5000)
      expect(failure(told)).toEqual({
        kind: 'timeout-reply',
        severity: 'critical',
        words: `127.0.0.1:${server.port} accepts TCP but does not answer: no greeting within 3 s`,
      })
    } finally {
      server.thaw()
    }
  })

  test('an opening that is given up ends at once', async () => {
    await using proxy = await startTcpFaultProxy(server.port)
    await proxy.become('black-hole')
    const giving = new AbortController()
    const opening = open({ port: proxy.port }, giving.signal)
    giving.abort(new Error('given up'))
    await expect(opening).rejects.toThrow('given up')
  })

  test('a connection that is reset is told as such', async () => {
    await using proxy = await startTcpFaultProxy(server.port)
    await proxy.become('reset')
    expect(failure(await teller(mysql, at({ port: proxy.port })).tell())).toMatchObject({ kind: 'reset' })
  })

  test('a slow way to the server is a warning', async () => {
    await using proxy = await startTcpFaultProxy(server.port)
    await proxy.become('delay', { delay: 60 })
    const slow = teller(mysql, at({ port: proxy.port, grace: '0s' }), { connect: { ping: '100ms' } })
    const told = await slow.tell('connect')
    expect(told.step('connect').findings).toMatchObject([{ key: 'slow', severity: 'warning' }])
    expect(told.summaries('connect')[0]).toMatch(
      /^the simplest question takes [1-9]\d\d ms \(limit 100 ms\)$/,
    )
    const young = teller(mysql, at({ port: proxy.port, grace: '1h' }), { connect: { ping: '100ms' } })
    expect((await young.tell('connect')).step('connect').outcome).toBe('ok')
  })

  test.each([
    [
      'another protocol',
      Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
      'protocol',
      'critical',
      'speaks another protocol',
    ],
    ['a short word', Buffer.from('hi\r\n'), 'protocol', 'critical', 'speaks another protocol'],
    ['an end without a word', Buffer.alloc(0), 'reset', 'critical', 'closes the connection'],
    // Recorded: a loopback address is never blocked, so it cannot be provoked here.
    [
      'a blocked host',
      refusing(1129, "Host '10.0.0.1' is blocked"),
      'too-many',
      'critical',
      'has blocked this host',
    ],
    [
      'a host that may not log in',
      refusing(1130, 'not allowed'),
      'auth-failed',
      'critical',
      'nobody may log in',
    ],
    ['a shutdown', refusing(1053, 'Server shutdown in progress'), 'starting', 'warning', 'is shutting down'],
  ])('%s is told as what it is', async (_, bytes, kind, severity, words) => {
    const other = () => createServer((socket) => void socket.end(bytes).on('error', () => {}))
    await using listening = await startListening(() => ({ server: other() }))
    const found = failure(await teller(mysql, at({ port: listening.port })).tell())
    expect(found).toMatchObject({ kind, severity })
    expect(found.words).toContain(words)
  })

  test('a wrong login is told with the user, and not with the password', async () => {
    const wrong = teller(mysql, at({ password: `${password}!` }))
    expect(failure(await wrong.tell())).toEqual({
      kind: 'auth-failed',
      severity: 'critical',
      words: `127.0.0.1:${server.port} refuses the login: the user is w`,
    })
    expect(inspect(wrong.story.options.parse(at()), { depth: 20 })).not.toContain(password)
    const refused = await open({ password: `${password}!` }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ kind: 'auth-failed' })
    expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain(password)
    const { password: _, ...withoutPassword } = at()
    expect(failure(await teller(mysql, withoutPassword).tell())).toMatchObject({ kind: 'auth-missing' })
  })

  test('a locked account and a database that is not there are told as such', async () => {
    await server.query(`create user locked@'%' identified by '${password}' account lock`)
    const locked = failure(await teller(mysql, at({ user: 'locked' })).tell())
    expect(locked.kind).toBe('auth-failed')
    expect(locked.words).toContain('the account of the user locked is locked')
    const nowhere = failure(await teller(mysql, at({ database: 'nope' })).tell())
    expect(nowhere.kind).toBe('not-found')
    expect(nowhere.words).toContain('no database nope')
  })

  test('the limit of its own user is a warning, not an outage', async () => {
    await server.query(
      `create user one@'%' identified by '${password}' with max_user_connections 1; grant process on *.* to one@'%'`,
    )
    await using _ = await createConnection({ host: '127.0.0.1', port: server.port, user: 'one', password })
    expect(failure(await teller(mysql, at({ user: 'one' })).tell())).toEqual({
      kind: 'too-many',
      severity: 'warning',
      words: `127.0.0.1:${server.port} is up, but the watchman's own user one has reached its limit of 1`,
    })
  })

  test('a full server is told as full, and in figures to a user who gets in even then', async () => {
    await server.query(
      `create user spare@'%' identified by '${password}'; grant process, connection admin on *.* to spare@'%';
       set global max_connections = 10`,
    )
    await using stack = new AsyncDisposableStack()
    for (let i = 0; i < 10; i++) {
      const connection = await until('another connection', () =>
        createConnection({ host: '127.0.0.1', port: server.port, user: 'w', password }),
      )
      stack.defer(() => connection.destroy())
    }
    expect(failure(await teller(mysql, at()).tell())).toEqual({
      kind: 'too-many',
      severity: 'critical',
      words: `127.0.0.1:${server.port} is up but takes no more connections: all its connections are in use`,
    })
    const spare = await teller(mysql, at({ user: 'spare' })).tell('connections')
    expect(spare.summaries('connections')[0]).toBe('11 of 10 connections are in use (110 %, limit 95 %)')
    await stack.disposeAsync()
    await until('the server has room again', async () => {
      await server.query('set global max_connections = 50')
      return true
    })
  })

  test('a statement without an answer takes its connection with it, and the next one opens another', async () => {
    const place = placeOf(mysql.options.parse(at()))
    await using session = await openSession(place, async () => {}, AbortSignal.timeout(5000), 1000)
    const id = async () => (await session.run('select connection_id() as id'))[0]?.['id']
    const first = await id()
    await expect(session.run('select sleep(5)')).rejects.toMatchObject({ kind: 'timeout-reply' })
    const second = await id()
    expect(second).not.toBe(first)
    await server.query(`kill ${second}`)
    await until('it is seen', async () => (await id().catch(() => second)) !== second)
    await freezeWhole(server)
    try {
      await expect(session.run('select 1')).rejects.toMatchObject({ kind: 'timeout-reply' })
      await expect(session.run('select 1')).rejects.toMatchObject({ kind: 'timeout-reply' })
      const begun = performance.now()
      await expect(session.run('select 1')).rejects.toMatchObject({ kind: 'timeout-reply' })
      expect(performance.now() - begun, 'no wait for another answer').toBeLessThan(900)
    } finally {
      server.thaw()
    }
  })

  test('a dead server is refused, and told well when it is back', async () => {
    const telling = teller(mysql, at({ grace: '0s' }))
    await server.kill()
    expect(failure(await telling.tell())).toMatchObject({ kind: 'refused' })
    await server.restart()
    expect((await telling.tell()).step('connect').outcome).toBe('ok')
  })
})

/** An error packet as a server sends it in the place of its greeting. */
function refusing(errno: number, message: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, errno & 0xff, errno >> 8]), Buffer.from(message)])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])
}
