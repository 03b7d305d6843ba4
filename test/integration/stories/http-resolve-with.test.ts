import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { ConnectionFailure, DidNotHelp } from 'healthz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bringBack } from '../../../stories/http/bring-back.ts'
import http from '../../../stories/http/index.ts'
import type { ResolveWith } from '../../../stories/http/resolve-with.ts'
import { isThisHost } from '../../../stories/http/this-host.ts'
import { describeWith } from '../../support/needs.ts'
import { gunicornArguments } from '../../support/servers/gunicorn.ts'
import { freePort } from '../../support/servers/ports.ts'
import { findProgram } from '../../support/servers/programs.ts'
import { type Supervisor, startSupervisor } from '../../support/servers/supervisor.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['supervisor', 'gunicorn'], 'a gunicorn that supervisord keeps', () => {
  let server: Supervisor
  let dir: TempDir
  let port: number
  beforeAll(async () => {
    dir = await makeTempDir()
    port = await freePort()
    const command = [findProgram('gunicorn'), ...(await gunicornArguments(dir.path, port, 30))].join(' ')
    server = await startSupervisor({
      programs: `[program:web]\ncommand=${command}\nstartsecs=0\nautorestart=false\nstopwaitsecs=1\nkillasgroup=true\n`,
    })
    // Its port takes connections before it has a worker that answers them.
    await until('gunicorn answers', async () => (await fetch(`http://127.0.0.1:${port}/`)).ok)
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await dir?.[Symbol.asyncDispose]()
  })

  const web = () => {
    const { socket, user, password } = server
    const resolveWith = { supervisor: `unix://${socket}`, user, password, program: 'web' }
    return teller(http, { url: `http://127.0.0.1:${port}/`, preset: 'gunicorn', timeout: '1s', resolveWith })
  }
  const processOf = async () =>
    (await server.rpc('supervisor.getProcessInfo', 'web')) as { pid: number; statename: string }

  test('is started when it died, and the page answers again', async () => {
    const page = web()
    expect((await page.tell('connect')).step('connect').outcome).toBe('ok')
    const { pid } = await processOf()
    expect(pid).toBeGreaterThan(1)
    process.kill(-pid, 'SIGKILL')
    await until('supervisord has seen its end', async () => (await processOf()).statename === 'EXITED')
    const told = await page.tell()
    expect(told.step('connect').findings).toMatchObject([
      {
        severity: 'critical',
        evidence: { kind: 'refused' },
        advice: { template: expect.stringContaining('start gunicorn') },
        cure: { consent: 'ask' },
      },
    ])
    expect([told.step('status').outcome, told.step('latency').outcome]).toEqual(['skipped', 'skipped'])
    await told.cure('connect')
    expect((await page.tell()).step('status').outcome).toBe('ok')
  })

  test('is restarted when it hangs', async () => {
    const page = web()
    const { pid } = await processOf()
    // A pid of 0 would stop the tests themselves.
    expect(pid).toBeGreaterThan(1)
    process.kill(-pid, 'SIGSTOP')
    const told = await page.tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
    await told.cure('connect')
    expect((await page.tell()).step('status').outcome).toBe('ok')
    expect((await processOf()).pid).not.toBe(pid)
  })

  test('is left alone when a person stopped it', async () => {
    const page = web()
    await server.rpc('supervisor.stopProcess', 'web')
    const told = await page.tell()
    await expect(told.cure('connect')).rejects.toMatchObject({
      reason: { template: 'somebody has stopped {0}, so it was left alone' },
    })
    expect((await processOf()).statename).toBe('STOPPED')
  })
})

describe('a server that a unit or a command brings back', () => {
  test('the command is run, and the page must answer afterwards', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/`
    await using stack = new AsyncDisposableStack()
    const vain = await teller(http, { url, resolveWith: { command: ['false', 'hunter2SECRET'] } }).tell()
    await expect(vain.cure('connect')).rejects.toMatchObject({ reason: { values: ['false', '1'] } })
    const absent = await teller(http, { url, resolveWith: { command: ['/nonexistent/program'] } }).tell()
    await expect(absent.cure('connect')).rejects.toBeInstanceOf(DidNotHelp)

    const dir = stack.use(await makeTempDir()).path
    const told = await teller(http, { url, resolveWith: { command: ['touch', join(dir, 'started')] } }).tell()
    const server = createServer((_request, response) => response.end('ok'))
    stack.defer(() => void server.close())
    // It comes up some time after the command has ended.
    const curing = told.cure('connect')
    setTimeout(() => server.listen(port, '127.0.0.1'), 1200)
    await curing
  })

  test('a unit is restarted by systemd, unless a person stopped it', async () => {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(await makeTempDir()).path
    await mkdir(join(dir, 'bin'))
    // There is no systemd where tests run: this says what systemd 252 says.
    const systemctl = join(dir, 'bin/systemctl')
    await writeFile(
      systemctl,
      `#!/bin/sh\necho "$@" >> ${dir}/calls\ncase "$1" in show) cat ${dir}/shown;; *) : > ${dir}/restarted;; esac\n`,
    )
    await chmod(systemctl, 0o755)
    const path = process.env['PATH']
    process.env['PATH'] = `${dir}/bin:${path}`
    stack.defer(() => {
      process.env['PATH'] = path
    })
    const port = await freePort()
    const page = teller(http, { url: `http://localhost:${port}/`, resolveWith: 'unit:web.service' })
    await writeFile(join(dir, 'shown'), 'LoadState=loaded\nActiveState=inactive\n')
    await expect((await page.tell()).cure('connect')).rejects.toMatchObject({
      reason: { template: 'somebody has stopped {0}, so it was left alone' },
    })
    await writeFile(join(dir, 'shown'), 'LoadState=not-found\nActiveState=inactive\n')
    await expect((await page.tell()).cure('connect')).rejects.toMatchObject({
      reason: { template: 'systemd knows no unit {0}' },
    })
    await writeFile(join(dir, 'shown'), 'LoadState=loaded\nActiveState=failed\n')
    const told = await page.tell()
    const server = createServer((_request, response) => response.end('ok'))
    stack.defer(() => void server.close())
    const curing = told.cure('connect')
    await until('it was restarted', () => existsSync(join(dir, 'restarted')))
    server.listen(port, '127.0.0.1')
    await curing
    expect((await page.tell()).step('status').outcome).toBe('ok')
  })

  test('what runs elsewhere is not restarted from here', async () => {
    expect(await isThisHost('localhost')).toBe(true)
    expect(await isThisHost('[::1]')).toBe(true)
    expect(await isThisHost('192.0.2.1')).toBe(false)
    expect(await isThisHost('no-such-name.invalid')).toBe(false)

    // As another host tells of a page that is down there.
    const address = 'http://192.0.2.1/'
    const down = new ConnectionFailure('refused', '192.0.2.1:80')
    const unseen = () => Promise.reject(new Error('nobody asks for this'))
    const site = { address, failure: async () => down, page: unseen, pageAgain: unseen, tls: unseen }
    const supervisor = { url: new URL('unix:///nowhere.sock'), user: undefined, password: undefined }
    const ways: ResolveWith[] = [
      { by: 'unit', unit: 'web' },
      { by: 'supervisor', supervisor, program: 'web' },
    ]
    for (const how of ways) {
      const { signal } = new AbortController()
      await expect(bringBack(how, site, '192.0.2.1').run({ signal })).rejects.toMatchObject({
        reason: { template: expect.stringContaining('{0} is not this host') },
      })
    }
  })

  test('a failure that no restart mends offers none', async () => {
    const url = 'http://no-such-name.invalid/'
    const told = await teller(http, { url, resolveWith: 'unit:web' }).tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'dns' } }])
    expect(told.cures.size).toBe(0)
  })

  test.each(['unit:', 'nginx', 'supervisor:a:b:c', { command: [] }, { program: 'web' }])(
    '%o is refused',
    (resolveWith) => {
      expect(http.options.safeParse({ url: 'http://a.example', resolveWith }).success).toBe(false)
    },
  )
})
