import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { get } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { createConnection } from 'mysql2/promise'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith, linux } from '../support/needs.ts'
import { type Certificates, makeCertificates } from '../support/servers/certificates.ts'
import { startDockerEngine } from '../support/servers/docker-engine.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { startMariadb } from '../support/servers/mariadb.ts'
import { startNginx } from '../support/servers/nginx.ts'
import { freePort, onFreePorts } from '../support/servers/ports.ts'
import { type ServerProcess, startServer } from '../support/servers/process.ts'
import { startRabbitmq } from '../support/servers/rabbitmq.ts'
import { startRedis } from '../support/servers/redis.ts'
import { killProcessesOf, processesOf } from '../support/servers/sessions.ts'
import { sharedRabbitmq } from '../support/servers/shared-rabbitmq.ts'
import { startSmtp } from '../support/servers/smtp.ts'
import { startSupervisor } from '../support/servers/supervisor.ts'
import { startTcpFaultProxy } from '../support/servers/tcp-fault-proxy.ts'
import { makeTempDir, type TempDir } from '../support/servers/temp-dir.ts'
import { until } from '../support/servers/until.ts'

const PROGRAMS = '[program:web]\ncommand=/bin/sleep 3600\nstartsecs=0\n'

const VITEST = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))

let dir: TempDir

// The servers of this file get a directory of their own, so that it can tell what they leave behind.
beforeAll(async () => {
  dir = await makeTempDir()
  process.env['HEALTHZ_TEST_DIR'] = dir.path
})

afterAll(() => dir[Symbol.asyncDispose]())

describeWith(['redis'], 'a test Redis', () => {
  test('answers, hangs while frozen, and answers again', async () => {
    await using redis = await startRedis({ password: 'pass word' })
    await expectFreezeAndThaw(redis, () => redis.cli('ping'))
    expect(await redis.cli('set', 'a', 1)).toBe('OK')
    expect(await redis.cli('get', 'a')).toBe('1')
    await expect(redis.cli('nonsense')).rejects.toThrow('unknown command')
  })

  test('is gone when killed and empty but on the same port when restarted', async () => {
    await using redis = await startRedis()
    await redis.cli('set', 'a', 1)
    await redis.kill()
    expect(redis.isRunning()).toBe(false)
    await expect(tcpConnect(redis.port)).rejects.toThrow('ECONNREFUSED')
    await redis.restart()
    await tcpConnect(redis.port)
    expect(await redis.cli('get', 'a')).toBeNull()
  })

  test('is followed by a replica', async () => {
    await using master = await startRedis({ password: 'pw' })
    await using replica = await startRedis({ replicaOf: master })
    await master.cli('set', 'a', 'seen')
    await until('the replica has the key', async () => (await replica.cli('get', 'a')) === 'seen')
  })

  test('says what it printed when it does not start', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow('Bad directive')
  })
})

describeWith(['mariadb'], 'a test MariaDB', () => {
  test('answers, hangs while frozen, and answers again', async () => {
    await using mariadb = await startMariadb()
    await expectFreezeAndThaw(mariadb, () => mariadb.query('select 1'))
    expect(await mariadb.query('select 1 as a; set @b = 1; select 2 as c')).toEqual([{ c: 2 }])
    expect(await mariadb.query('select 1 from dual where false')).toEqual([])
  })

  test('lets its monitoring user in, and is followed by a replica', async () => {
    await using master = await startMariadb()
    await using replica = await startMariadb({ replicaOf: master })
    await master.query('create database app; create table app.t (a int); insert into app.t values (7)')
    await until(
      'the replica has the row',
      async () => (await replica.query('select a from app.t'))[0]?.['a'] === 7,
    )
    const monitor = await createConnection(replica.url)
    const [status] = await monitor.query('show slave status')
    expect(status).toMatchObject([{ Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes' }])
    await monitor.end()
  })
})

describeWith(['rabbitmq'], 'a test RabbitMQ', () => {
  test('answers, hangs while frozen, and raises an alarm', {
    timeout: 90_000,
  }, async () => {
    await using rabbitmq = await startRabbitmq()
    const alarms = () => rabbitmq.api('GET', '/api/health/checks/alarms')
    await expectFreezeAndThaw(rabbitmq, alarms)
    await rabbitmq.ctl('set_vm_memory_high_watermark', '0.0001')
    await expect(alarms()).rejects.toThrow('503')
  })

  test('is shared by all files, each in a virtual host of its own', async () => {
    const [one, other] = await Promise.all([sharedRabbitmq(), sharedRabbitmq()])
    expect(one.port).toBe(other.port)
    await one.api('PUT', `/api/queues/${one.vhost}/jobs`, { durable: true })
    expect(await other.api('GET', `/api/queues/${other.vhost}`)).toEqual([])
    await one[Symbol.asyncDispose]()
    await expect(other.api('GET', `/api/queues/${one.vhost}`)).rejects.toThrow('404')
    await other[Symbol.asyncDispose]()
  })
})

describeWith(['supervisor'], 'a test supervisord', () => {
  test('answers, hangs while frozen, and takes its programs with it', async () => {
    await using supervisor = await startSupervisor({ programs: PROGRAMS })
    await expectFreezeAndThaw(supervisor, () => supervisor.rpc('supervisor.getState'))
    const web = await supervisor.rpc('supervisor.getProcessInfo', 'web')
    expect(web).toMatchObject({ name: 'web', statename: 'RUNNING', pid: expect.any(Number) })
    await expect(supervisor.rpc('supervisor.startProcess', 'nobody')).rejects.toThrow('BAD_NAME')
    await supervisor.kill()
    expect(processesOf(supervisor.dir)).toEqual([])
  })

  test('asks for a password on its port, unless told not to', async () => {
    await using careful = await startSupervisor()
    await using open = await startSupervisor({ auth: null })
    expect((await fetch(careful.url, { method: 'POST', body: '<x/>' })).status).toBe(401)
    expect((await fetch(open.url, { method: 'POST', body: '<x/>' })).status).not.toBe(401)
  })
})

describeWith(['nginx', 'openssl'], 'a test nginx', () => {
  let certificates: Certificates

  beforeAll(async () => {
    certificates = await makeCertificates()
  })

  afterAll(() => certificates[Symbol.asyncDispose]())

  test('answers, hangs while frozen, and answers again', async () => {
    await using nginx = await startNginx({
      server: 'location = /down { return 503; } location / { return 200; }',
    })
    await expectFreezeAndThaw(nginx, () => httpStatus(`${nginx.url}/`))
    expect(await httpStatus(`${nginx.url}/down`)).toBe(503)
  })

  test.each<[Exclude<keyof Certificates, 'caFile' | symbol>, string | null]>([
    ['valid', null],
    ['soon', null],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('shows a certificate that is %s', async (kind, code) => {
    await using nginx = await startNginx({ tls: [certificates[kind]] })
    const [port = 0] = nginx.tlsPorts
    expect(await tlsFault(port, readFileSync(certificates.caFile))).toBe(code)
  })
})

describeWith(['docker'], 'a test Docker engine', () => {
  test('answers, hangs while frozen, and answers again', async () => {
    await using docker = await startDockerEngine()
    await expectFreezeAndThaw(docker, () => docker.ask('GET', '/version'))
    await expect(docker.ask('GET', '/nonsense')).rejects.toThrow('404')
  })

  test('takes all it started with it: containerd, containers, mounts and control groups', async () => {
    const docker = await startDockerEngine()
    const world = pidNamespace(docker.pid())
    const inside = () =>
      readdirSync('/proc').filter((name) => /^\d+$/.test(name) && pidNamespace(Number(name)) === world)
    const trees = ['', ...readdirSync('/sys/fs/cgroup')]
    const group = basename(dirname(docker.socket))
    const groups = () => trees.filter((tree) => existsSync(join('/sys/fs/cgroup', tree, group)))
    try {
      await docker.run('web', ['sleep', '3600'], { policy: 'always' })
      expect(inside().length).toBeGreaterThan(2) // dockerd, containerd and its shim; the container is in a world below
      expect(groups()).not.toEqual([])
    } finally {
      await docker[Symbol.asyncDispose]()
    }
    expect(inside()).toEqual([])
    expect(groups()).toEqual([])
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir.path)
  })
})

describeWith(['openssl'], 'a test mail server', () => {
  test('keeps what it takes, and turns away what it is told to', async () => {
    await using smtp = await startSmtp({ auth: { user: 'u', password: 'p' } })
    await send(smtp.url)
    expect(smtp.mails).toHaveLength(1)
    const [mail] = smtp.mails
    expect(mail).toMatchObject({ from: 'a@example.com', to: ['b@example.com'], user: 'u', secure: false })
    expect(mail?.header('subject')).toBe('磁盘 is full')
    expect(mail?.text.trim()).toBe('磁盘 /data: 97 %')
    expect(mail?.html?.trim()).toBe('<p>磁盘</p>')
    smtp.become('reject')
    await expect(send(smtp.url)).rejects.toMatchObject({ responseCode: 550 })
    smtp.become('tempfail')
    await expect(send(smtp.url)).rejects.toMatchObject({ responseCode: 451 })
    await expect(send(smtp.url.replace('u:p', 'u:wrong'))).rejects.toMatchObject({ responseCode: 535 })
    smtp.become('hang')
    await expect(send(smtp.url, { timeout: 1000 })).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    smtp.become('hang-after-data')
    await expect(send(smtp.url, { timeout: 1000 })).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    expect(smtp.mails).toHaveLength(2)
  })

  test('goes down and comes up again on the same port', async () => {
    await using smtp = await startSmtp()
    await smtp.down()
    await expect(send(smtp.url)).rejects.toThrow('ECONNREFUSED')
    await smtp.up()
    await send(smtp.url)
    expect(smtp.mails).toHaveLength(1)
  })

  test.each(['starttls', 'implicit'] as const)('speaks TLS (%s)', async (mode) => {
    await using certificates = await makeCertificates()
    await using smtp = await startSmtp({ tls: { ...certificates.valid, mode } })
    await send(smtp.url, { ca: readFileSync(certificates.caFile) })
    expect(smtp.mails).toMatchObject([{ secure: true }])
    await expect(send(smtp.url)).rejects.toThrow('certificate')
  })
})

describe('a test webhook receiver', () => {
  test('keeps requests and answers as it is told', async () => {
    await using receiver = await startHttpReceiver()
    receiver.answerOnce({ status: 429, headers: { 'retry-after': '1' } }, 'reset', 'hang')
    const post = (timeout = 10_000) =>
      fetch(`${receiver.url}/hook?a=1`, { method: 'POST', body: '{"b":2}', ...within(timeout) })
    expect((await post()).headers.get('retry-after')).toBe('1')
    await expect(post()).rejects.toThrow('fetch failed')
    await expect(post(300)).rejects.toThrow('timeout')
    receiver.answer({ status: 201, body: { errcode: 0 } })
    expect(await (await post()).json()).toEqual({ errcode: 0 })
    expect(receiver.requests).toHaveLength(4)
    expect(receiver.requests[3]).toMatchObject({ method: 'POST', path: '/hook?a=1' })
    expect(receiver.requests[3]?.json()).toEqual({ b: 2 })
    await receiver.down()
    await expect(post()).rejects.toThrow('fetch failed')
  })
})

describe('a TCP fault proxy', () => {
  test('passes, delays, refuses and resets', async () => {
    await using receiver = await startHttpReceiver()
    await using proxy = await startTcpFaultProxy(receiver.port)
    const ask = () => httpStatus(`http://127.0.0.1:${proxy.port}/`)
    expect(await ask()).toBe(200)
    await proxy.become('delay', { delay: 100 })
    const asked = performance.now()
    expect(await ask()).toBe(200)
    expect(performance.now() - asked).toBeGreaterThan(190)
    await proxy.become('refuse')
    await expect(ask()).rejects.toThrow('ECONNREFUSED')
    await proxy.become('reset')
    await expect(ask()).rejects.toThrow('ECONNRESET')
    await proxy.become('pass')
    expect(await ask()).toBe(200)
  })

  test('lets nothing through a black hole, and everything afterwards', async () => {
    await using receiver = await startHttpReceiver()
    await using proxy = await startTcpFaultProxy(receiver.port)
    await proxy.become('black-hole')
    const asked = httpStatus(`http://127.0.0.1:${proxy.port}/`)
    expect(await settles(asked)).toBe(false)
    expect(receiver.requests).toEqual([])
    await proxy.become('pass')
    expect(await asked).toBe(200)
  })

  test('carries much data and both ends of a half-closed connection', async () => {
    await using target = await startHttpReceiver()
    target.answer({ status: 200, body: 'x'.repeat(3_000_000) })
    await using proxy = await startTcpFaultProxy(target.port)
    const socket = connectTcp({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('GET / HTTP/1.0\r\n\r\n')
    expect((await buffer(socket)).length).toBeGreaterThan(3_000_000)
  })
})

describe('a start on free ports', () => {
  test('is tried once more when the port was taken meanwhile', async () => {
    const ports: number[] = []
    const taken = onFreePorts(1, async (port) => {
      ports.push(port)
      throw new Error('Could not create server TCP listening socket: bind: Address already in use')
    })
    await expect(taken).rejects.toThrow('already in use')
    expect(ports).toHaveLength(2)
  })
})

describe('a start that fails', () => {
  test('says so at once when the program is not there', async () => {
    const start = startServer({
      name: 'x',
      command: 'no-such-program',
      args: [],
      dir: dir.path,
      ready: () => true,
    })
    await expect(start).rejects.toThrow('no-such-program is not installed')
  })

  test('names what it waited for when the server never answers', async () => {
    const port = await freePort()
    await using home = await makeTempDir()
    const start = startServer({
      name: 'mute',
      command: 'sleep',
      args: ['60'],
      dir: home.path,
      ready: () => tcpConnect(port),
      deadline: 200,
    })
    await expect(start).rejects.toThrow(/mute did not start: waited 200 ms .*ECONNREFUSED/)
  })
})

describeWith(['supervisor'], 'a test runner that is killed', () => {
  describeWith([linux], 'on Linux', () => {
    test('takes its servers with it, and a sweep takes their children', async () => {
      await using home = await makeTempDir()
      const script = `
      const { startSupervisor } = await import(${JSON.stringify(import.meta.resolve('../support/servers/supervisor.ts'))})
      const supervisor = await startSupervisor({ programs: ${JSON.stringify(PROGRAMS)} })
      while ((await supervisor.rpc('supervisor.getProcessInfo', 'web')).pid === 0);
      console.log(supervisor.port, supervisor.pid())`
      const runner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        env: { ...process.env, HEALTHZ_TEST_DIR: home.path },
      })
      const [port = 0, pid = 0] = String(await once(runner.stdout, 'data'))
        .split(' ')
        .map(Number)
      runner.kill('SIGKILL')
      await until('supervisord is gone', () => !processesOf(home.path).includes(pid))
      await expect(tcpConnect(port)).rejects.toThrow('ECONNREFUSED')
      expect(processesOf(home.path)).toHaveLength(1)
      killProcessesOf(home.path)
      await until('its program is gone', () => processesOf(home.path).length === 0)
    })
  })
})

describe('a suite whose server is missing', () => {
  const run = async (require: string) => {
    const child = spawn(
      process.execPath,
      [VITEST, 'run', 'test/integration/servers.test.ts', '-t', 'a test Redis'],
      {
        env: { ...process.env, HEALTHZ_TEST_WITHOUT: 'redis', HEALTHZ_TEST_REQUIRE: require, NO_COLOR: '1' },
        cwd: join(import.meta.dirname, '../..'),
      },
    )
    const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
    return { output, status }
  }

  test('is left out, and named with the reason at the end', async () => {
    const { output, status } = await run('')
    expect(status).toBe(0)
    expect(output).toMatch(/Left out, not tested:\n.*a test Redis: HEALTHZ_TEST_WITHOUT names redis\s+$/)
  })

  test('fails when it is required', async () => {
    const { output, status } = await run('nginx,redis')
    expect(status).toBe(1)
    expect(output).not.toContain('Left out')
  })
})

test('nothing is left behind: no process, no directory', () => {
  expect(processesOf(dir.path)).toEqual([])
  expect(readdirSync(dir.path).filter((name) => name !== 'mariadb-datadir')).toEqual([])
})

/** Which world of process ids it lives in; undefined where it has ended, even if nobody has reaped it yet. */
function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`) && readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}

async function expectFreezeAndThaw(server: ServerProcess, ask: () => Promise<unknown>): Promise<void> {
  await ask()
  server.freeze()
  // The signal reaches each of its threads in its own time.
  const tasks = `/proc/${server.pid()}/task`
  const isStopped = (task: string) => /\) T /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'))
  await until('all of it has stopped', () => readdirSync(tasks).every(isStopped))
  const asked = ask()
  expect(await settles(asked)).toBe(false)
  server.thaw()
  await asked
}

/** Whether the promise settles within a quarter of a second. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  )
  return await Promise.race([settled, sleep(250, false)])
}

function within(milliseconds: number): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(milliseconds) }
}

async function tcpConnect(port: number): Promise<true> {
  const socket = connectTcp(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  return true
}

/** A connection of its own for each request, unlike fetch. */
async function httpStatus(url: string): Promise<number | undefined> {
  const [response] = await once(get(url, { agent: false }), 'response')
  response.resume()
  return response.statusCode
}

/** The code of what is wrong with the certificate shown on the port; null if nothing is. */
async function tlsFault(port: number, ca: Buffer): Promise<string | null> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
  try {
    await once(socket, 'secureConnect', within(10_000))
    return null
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
  }
}

async function send(
  url: string,
  { ca, timeout = 10_000 }: { ca?: Buffer; timeout?: number } = {},
): Promise<void> {
  const timeouts = { greetingTimeout: timeout, connectionTimeout: timeout, socketTimeout: timeout }
  const transport = createTransport({ url, ...timeouts, ...(ca ? { tls: { ca } } : {}) })
  try {
    await transport.sendMail({
      from: 'a@example.com',
      to: 'b@example.com',
      subject: '磁盘 is full',
      text: '磁盘 /data: 97 %',
      html: '<p>磁盘</p>',
    })
  } finally {
    transport.close()
  }
}
