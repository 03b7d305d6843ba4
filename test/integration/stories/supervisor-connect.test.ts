import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import supervisor from '../../../stories/supervisor/index.ts'
import { describeWith, root } from '../../support/needs.ts'
import { freePort } from '../../support/servers/ports.ts'
import { type Supervisor, startSupervisor } from '../../support/servers/supervisor.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const programs = `
[program:stubborn]
command=/bin/sh -c "trap '' TERM; while :; do sleep 0.2; done"
startsecs=0
stopwaitsecs=20
`

/** The one problem that a failed opening is. */
function failure(told: Told) {
  const { findings } = told.step('connect')
  expect(findings).toHaveLength(1)
  expect(told.step('fatal').outcome).toBe('skipped')
  return {
    kind: findings[0]?.evidence['kind'],
    severity: findings[0]?.severity,
    words: told.summaries('connect')[0],
  }
}

describeWith(['supervisor'], 'reaching supervisord', () => {
  let server: Supervisor
  const url = () => `unix://${server.socket}`
  const login = { user: 'hz', password: 'hunter2SECRET' }

  beforeAll(async () => {
    server = await startSupervisor({ programs, auth: { user: 'hz', password: 'hunter2SECRET' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each([
    ['a wrong password', 'auth-failed', { user: 'hz', password: 'wrong-one' }],
    ['no password', 'auth-missing', {}],
  ])('%s is told as %s', async (_, kind, given) => {
    expect(failure(await teller(supervisor, { url: url(), ...given }).tell())).toMatchObject({ kind })
    expect(failure(await teller(supervisor, { url: server.url, ...given }).tell())).toMatchObject({ kind })
  })

  test('a path without a socket and a port without a listener are refused', async () => {
    expect(failure(await teller(supervisor, { url: 'unix:///nowhere/s.sock', ...login }).tell())).toEqual({
      kind: 'refused',
      severity: 'critical',
      words: 'nothing listens on /nowhere/s.sock: there is no such socket',
    })
    const free = `http://127.0.0.1:${await freePort()}/RPC2`
    expect(failure(await teller(supervisor, { url: free }).tell())).toMatchObject({ kind: 'refused' })
  })

  describeWith([root], 'as root', () => {
    test('a socket of somebody else is no outage', async () => {
      process.seteuid?.(65_534)
      try {
        const told = await teller(supervisor, { url: url(), ...login }).tell()
        expect(told.step('connect').outcome).toBe('unknown')
        expect(told.reason('connect')).toContain('set chown or chmod under [unix_http_server]')
      } finally {
        process.seteuid?.(0)
      }
    })
  })

  test('a supervisord that hangs is told within five seconds, and the password nowhere', async () => {
    server.freeze()
    try {
      const begun = performance.now()
      const options = supervisor.options.parse({ url: url(), ...login })
      const signal = AbortSignal.timeout(5000)
      const [overSocket, overHttp, error] = await Promise.all([
        teller(supervisor, { url: url(), ...login }).tell(),
        teller(supervisor, { url: server.url, ...login }).tell(),
        Promise.resolve(supervisor.open?.({ options, signal })).catch((thrown) => thrown),
      ])
      expect(performance.now() - begun).toBeLessThan(5000)
      for (const told of [overSocket, overHttp]) {
        expect(failure(told)).toMatchObject({ kind: 'timeout-reply', severity: 'critical' })
        expect(JSON.stringify(told.steps)).not.toContain('hunter2SECRET')
      }
      const printed = inspect({ error, options }, { depth: 12, showHidden: true })
      expect(printed).toContain('timeout-reply')
      expect(printed).not.toContain('hunter2SECRET')
      expect(printed).not.toContain(Buffer.from('hz:hunter2SECRET').toString('base64'))
    } finally {
      server.thaw()
    }
    const told = await teller(supervisor, { url: url(), ...login }).tell()
    expect(told.step('connect').outcome).toBe('ok')
  })

  test('a supervisord that shuts down is told as such', async () => {
    await server.rpc('supervisor.shutdown')
    expect(failure(await teller(supervisor, { url: url(), ...login }).tell())).toEqual({
      kind: 'starting',
      severity: 'critical',
      words: `supervisord on ${server.socket} is shutting down`,
    })
  })

  test('a supervisord that was killed leaves its socket behind and is refused at once', async () => {
    process.kill(server.pid(), 'SIGKILL')
    await until('it is gone', () => !server.isRunning())
    const begun = performance.now()
    const told = await teller(supervisor, { url: url(), ...login }).tell()
    expect(failure(told)).toMatchObject({
      kind: 'refused',
      words: `nothing listens on ${server.socket}: the socket is left over from a dead supervisord`,
    })
    expect(performance.now() - begun).toBeLessThan(2500)
    expect(JSON.stringify(told.step('connect').findings)).toContain('its programs may run on')
  })
})
