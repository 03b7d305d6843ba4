import { once } from 'node:events'
import { rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import story from '../../../stories/docker/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type DockerEngine, startDockerEngine } from '../../support/servers/docker-engine.ts'
import { startDockerProxy } from '../../support/servers/docker-proxy.ts'
import { freezeWhole } from '../../support/servers/frozen.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const forever = ['sleep', '3600']
const failing = ['sh', '-c', 'exit 3']
/** Fails until the file `/shared/ready` is there. */
const waiting = ['sh', '-c', 'test -e /shared/ready || exit 4; exec sleep 3600']

describeWith(['docker'], 'containers of Docker', () => {
  let docker: DockerEngine
  beforeAll(async () => {
    docker = await startDockerEngine()
  })
  afterAll(() => docker?.[Symbol.asyncDispose]())
  afterEach(async () => {
    await docker.clear()
    await rm(join(docker.shared, 'ready'), { force: true })
  })

  const tellerOf = (
    options: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(story, { url: `unix://${docker.socket}`, ...options }, steps)

  const reached = (name: string, status: string) =>
    until(`${name} is ${status}`, async () => {
      const { Status, Health } = await docker.state(name)
      return Status === status || (Status === 'running' && Health?.Status === status)
    })

  const runUntil = async (status: string, ...running: Parameters<DockerEngine['run']>) => {
    await docker.run(...running)
    await reached(running[0], status)
  }

  const stop = (name: string) => docker.ask('POST', `/containers/${name}/stop`)

  const makeReady = () => writeFile(join(docker.shared, 'ready'), '')

  test('what runs, starts, is done or was just stopped is fine, for a member of the group of the socket', async () => {
    await Promise.all([
      runUntil('running', 'web', forever, { policy: 'always' }),
      runUntil('healthy', 'healthy', forever, { health: 'exit 0' }),
      runUntil('starting', 'starting', forever, { health: 'exit 1', healthGrace: 600_000 }),
      runUntil('exited', 'done', ['true']),
      docker.create('never', forever),
      docker.run('stopped', forever).then(() => stop('stopped')),
      docker.run('kept', forever, { policy: 'unless-stopped' }).then(() => stop('kept')),
    ])
    const { gid } = await stat(docker.socket)
    const told = await asNobody(gid, () => tellerOf({ expect: ['web', 'healthy'] }).tell())
    expect(told.outcomes()).toEqual({
      connect: 'ok',
      running: 'ok',
      exited: 'ok',
      health: 'ok',
      restarts: 'ok',
      oom: 'ok',
      stopped: 'ok',
      stuck: 'ok',
    })
    expect(told.step('health').notes).toMatchObject([{ values: [{ count: 2 }] }])
    expect(told.step('stopped').notes).toMatchObject([{ values: ['kept', expect.anything()] }])
    expect((await tellerOf().tell()).steps).not.toHaveProperty('running')
  })

  test('an expected container that is absent or down is told with why', async () => {
    await Promise.all([
      runUntil('exited', 'failed', failing),
      docker.run('stopped', forever).then(() => stop('stopped')),
      docker.run('held', forever).then(() => docker.ask('POST', '/containers/held/pause')),
      docker.create('never', forever),
      expect(docker.run('badcmd', ['/nonexistent'])).rejects.toThrow('no such file or directory'),
    ])
    const expected = ['failed', 'stopped', 'held', 'never', 'badcmd', 'gone']
    const told = await tellerOf({ expect: expected }).tell('running', 'exited')
    expect(told.summaries('running')).toEqual([
      expect.stringMatching(/^failed does not run: it ended with exit code 3 [\d.]+ (ms|s) ago$/),
      expect.stringMatching(/^stopped does not run: it was ended by signal 9 [\d.]+ (ms|s) ago$/),
      'held does not run: it is paused',
      'never does not run: it was never started',
      'badcmd does not run: the engine could not start it',
      'there is no container gone',
    ])
    expect(told.step('running').findings.map(({ key, cure }) => [key, cure?.consent])).toEqual([
      ['failed', 'auto'],
      ['stopped', 'ask'],
      ['held', undefined],
      ['never', 'ask'],
      ['badcmd', 'auto'],
      ['gone', undefined],
    ])
    // One cause, one problem.
    expect(told.step('exited').outcome).toBe('ok')
  })

  test('what ended with a fault is told unless it is long ago or left alone', async () => {
    await Promise.all([
      runUntil('exited', 'failed', failing),
      runUntil('exited', 'gaveup', ['sh', '-c', 'exit 4'], { policy: 'on-failure', tries: 1 }),
      expect(docker.run('badcmd', ['/nonexistent'])).rejects.toThrow('no such file or directory'),
    ])
    const told = await tellerOf().tell('exited')
    expect(told.step('exited').findings.map(({ key, severity }) => [key, severity])).toEqual([
      ['gaveup', 'critical'],
      ['badcmd', 'warning'],
      ['failed', 'warning'],
    ])
    expect(told.summaries('exited')[0]).toMatch(
      /^gaveup is down: it ended with exit code 4 [\d.]+ (ms|s) ago, and the engine does not start it again$/,
    )
    const ignoring = await tellerOf({ ignore: ['gave*', 'badcmd', '*ailed'] }).tell('exited')
    expect(ignoring.step('exited').outcome).toBe('ok')
    const later = await until('it is long ago', async () => {
      const later = await tellerOf({}, { exited: { within: '1s' } }).tell('exited')
      return later.step('exited').outcome === 'ok' && later
    })
    expect(later.step('exited').notes).toMatchObject([{ values: [['badcmd', 'failed', 'gaveup']] }])
  })

  test('a crowd is told by its worst and by number', async () => {
    const names = Array.from({ length: 23 }, (_, index) => `job-${index}`)
    await Promise.all(names.map((name) => runUntil('exited', name, failing)))
    const told = await tellerOf().tell('exited')
    expect(told.step('exited').findings).toHaveLength(20)
    expect(told.summaries('exited').at(-1)).toBe('there are 4 more problems of this kind')
  })

  test('a failing health check is told without what it prints, and forgotten once it passes', async () => {
    await runUntil('unhealthy', 'sick', forever, { health: 'echo hunter2SECRET; test -e /shared/ready' })
    const watch = tellerOf()
    const told = await watch.tell()
    expect(told.outcomes()).toMatchObject({ health: 'problem', exited: 'ok', restarts: 'ok' })
    const [problem] = told.step('health').findings
    expect(problem).toMatchObject({ key: 'sick', severity: 'critical', cure: { consent: 'ask' } })
    const failures = Number(problem?.evidence['failures'])
    expect(failures).toBeGreaterThan(0)
    expect((await docker.state('sick')).Health?.FailingStreak).toBeGreaterThanOrEqual(failures)
    expect(told.summaries('health')).toEqual([
      `sick runs, but ${failures} health ${failures === 1 ? 'check' : 'checks'} in a row failed (the last with exit code 1)`,
    ])
    expect(await docker.ask('GET', '/containers/sick/json')).toContain('hunter2SECRET')
    for (const printed of [JSON.stringify(told), inspect(told, { depth: 20 }), JSON.stringify(watch.samples)])
      expect(printed).not.toContain('hunter2SECRET')
    await makeReady()
    await reached('sick', 'healthy')
    expect((await watch.tell('health')).step('health').outcome).toBe('ok')
  })

  test('a container that is restarted again and again is told, a start by a person is none of it', async () => {
    await docker.run('flap', waiting, { policy: 'always' })
    const watch = tellerOf({ expect: ['flap'] }, { restarts: { warnRestarts: 2, critRestarts: 4 } })
    const told = await until('it was restarted twice', async () => {
      const told = await watch.tell('restarts')
      return told.step('restarts').outcome === 'problem' && told
    })
    expect(told.summaries('restarts')).toEqual([
      expect.stringMatching(/^flap was restarted \d+ times within 10 min \(limit 2\)$/),
    ])
    await until('it was restarted four times', async () => {
      const [problem] = (await watch.tell('restarts')).step('restarts').findings
      return problem?.severity === 'critical' && problem.evidence['exitCode'] === 4
    })
    // It is up for moments.
    const restarting = await until('it is seen between two of its runs', async () => {
      const told = await watch.tell('running')
      return told.step('running').outcome === 'problem' && told
    })
    expect(restarting.summaries('running')).toEqual([
      'flap does not run: it ended with exit code 4 and is being restarted',
    ])
    expect(restarting.cures.size).toBe(0)
    await makeReady()
    await stop('flap')
    await docker.ask('POST', '/containers/flap/start')
    expect((await watch.tell('restarts', 'running')).outcomes()).toEqual({ restarts: 'ok', running: 'ok' })
  })

  test('kills for lack of memory are told with their number, and do not count again', async () => {
    // On hosts with cgroup v1 the engine may miss the kill that ends a container: these end none.
    const greedy = 'sleep 0.5; tail /dev/zero; sleep 0.5; tail /dev/zero; exec sleep 3600'
    await docker.run('hungry', ['sh', '-c', greedy], { memory: 16_777_216 })
    const watch = tellerOf()
    // The engine's clock has whole seconds: what has just happened is told at the next look.
    const told = await until('both kills are told', async () => {
      const told = await watch.tell()
      return told.step('oom').findings[0]?.evidence['kills'] === 2 && told
    })
    const words =
      /^the kernel killed 2 processes in hungry for lack of memory within 1 h, the last one [\d.]+ (ms|s) ago \(it runs\)$/
    expect(told.summaries('oom')).toEqual([expect.stringMatching(words)])
    expect(told.step('oom').findings).toMatchObject([{ key: 'hungry', severity: 'critical' }])
    expect((await watch.tell('oom')).summaries('oom')).toEqual([expect.stringMatching(words)])
  })

  test('one that a person stopped and forgot, and one that stays paused, are told', async () => {
    await docker.run('kept', forever, { policy: 'unless-stopped' })
    await docker.run('held', forever)
    await stop('kept')
    await docker.ask('POST', '/containers/held/pause')
    const watch = tellerOf({}, { stopped: { stoppedMax: '1s' }, stuck: { pausedMax: '1s' } })
    expect((await watch.tell('stuck')).step('stuck').outcome).toBe('ok')
    const told = await until('both last longer than allowed', async () => {
      const told = await watch.tell('stopped', 'stuck')
      return told.step('stopped').outcome === 'problem' && told.step('stuck').outcome === 'problem' && told
    })
    expect(told.summaries('stopped')).toEqual([
      expect.stringMatching(
        /^kept was stopped by a person [\d.]+ s ago \(limit 1 s\), though its restart policy is unless-stopped$/,
      ),
    ])
    expect(told.step('stopped').findings).toMatchObject([{ severity: 'warning', cure: { consent: 'ask' } }])
    expect(told.summaries('stuck')).toEqual([
      expect.stringMatching(/^held has been paused for \d+ s \(limit 1 s\) and does nothing$/),
    ])
    await docker.ask('POST', '/containers/held/unpause')
    expect((await watch.tell('stuck')).step('stuck').outcome).toBe('ok')
  })

  test('what fell is started and told as healed, what does not stay up is told as such, what a person stopped is left', async () => {
    await Promise.all([
      runUntil('exited', 'fell', waiting),
      runUntil('exited', 'broken', ['sh', '-c', 'sleep 1; exit 3']),
      docker.run('stopped', forever).then(() => stop('stopped')),
    ])
    await makeReady()
    const before = await docker.state('broken')
    const watch = tellerOf({ expect: ['fell', 'broken', 'stopped'] })
    const round = await watch.round()
    expect(round.healed).toEqual(['running/fell'])
    expect(await docker.state('fell')).toMatchObject({ Status: 'running' })
    expect(round.tried('running/broken')).toEqual([
      {
        title: 'start the container broken',
        result: 'failed',
        detail: 'it did not stay up after the start: it ended with exit code 3',
      },
    ])
    expect((await docker.state('broken')).StartedAt).not.toBe(before.StartedAt)
    expect(round.tried('running/stopped')).toEqual([])
    expect(await docker.state('stopped')).toMatchObject({ Status: 'exited' })
    expect(round.alarms.map(({ kind, problem }) => [kind, problem]).toSorted()).toEqual([
      ['healed', 'running/fell'],
      ['raised', 'running/broken'],
      ['raised', 'running/stopped'],
    ])
    await docker.ask('DELETE', '/containers/broken')
    await docker.ask('POST', '/containers/stopped/start')
    expect((await watch.tell('running')).summaries('running')).toEqual(['there is no container broken'])
  })

  test('with consent a sick container is restarted and told as healed; one that stays sick is told as such', async () => {
    await Promise.all([
      runUntil('unhealthy', 'sick', ['sh', '-c', 'test -e /shared/ready && touch /ready; exec sleep 3600'], {
        health: 'test -e /ready',
      }),
      runUntil('unhealthy', 'hopeless', forever, { health: 'exit 1' }),
    ])
    await makeReady()
    const { StartedAt } = await docker.state('sick')
    const watch = tellerOf()
    expect((await watch.round()).healed).toEqual([])
    expect((await docker.state('sick')).StartedAt).toBe(StartedAt)
    const round = await watch.round({ approve: ['health/sick', 'health/hopeless'] })
    expect(round.healed).toEqual(['health/sick'])
    expect((await docker.state('sick')).StartedAt).not.toBe(StartedAt)
    expect(round.tried('health/hopeless')).toEqual([
      {
        title: 'restart the container hopeless',
        result: 'failed',
        detail: 'its health check fails after the restart as well',
      },
    ])
    expect(round.alarms).toMatchObject([
      { kind: 'recovered', problem: 'health/sick', tried: [{ result: 'healed' }] },
    ])
  })

  test('a container that somebody touched in the meantime is left alone, and one that is gone is told', async () => {
    await runUntil('exited', 'failed', failing)
    const told = await tellerOf({ expect: ['failed'] }).tell()
    const again = await tellerOf({ expect: ['failed'] }).tell()
    await docker.ask('POST', '/containers/failed/start')
    await reached('failed', 'exited')
    const { StartedAt } = await docker.state('failed')
    await expect(told.cure('running/failed')).rejects.toMatchObject({
      reason: { template: 'somebody has touched {0} in the meantime, so it was left alone' },
    })
    expect((await docker.state('failed')).StartedAt).toBe(StartedAt)
    await docker.ask('DELETE', '/containers/failed')
    await expect(again.cure('running/failed')).rejects.toMatchObject({
      reason: { template: 'there is no container {0} any more' },
    })
  })

  test('through a proxy the documented rights are enough, and one that is missing is named', async () => {
    await runUntil('unhealthy', 'sick', forever, { health: 'test -e /shared/ready' })
    await using proxy = await startDockerProxy(docker.socket, ['/version', '/containers', '/events'])
    const watch = tellerOf({ url: proxy.url, expect: ['sick'] })
    const told = await watch.tell()
    expect(told.outcomes()).toMatchObject({ connect: 'ok', running: 'ok', health: 'problem', oom: 'ok' })
    await expect(told.cure('health/sick')).rejects.toMatchObject({
      reason: { template: expect.stringContaining('allow POST /containers/{1}/{2}') },
    })
    const { StartedAt } = await docker.state('sick')
    proxy.mayPost = true
    const allowed = await watch.tell('health')
    await makeReady()
    await allowed.cure('health/sick')
    expect((await docker.state('sick')).StartedAt).not.toBe(StartedAt)

    proxy.allowed = ['/version', '/containers']
    const eventless = await watch.tell()
    expect(eventless.reason('oom')).toBe(
      `${new URL(proxy.url).host} does not let the watchman ask GET /events; allow it in the settings of the proxy`,
    )
    expect(eventless.outcomes()).toMatchObject({ oom: 'unknown', running: 'ok', health: 'ok' })
    proxy.allowed = ['/version']
    const { connect, ...blind } = (await watch.tell()).outcomes()
    expect([connect, ...new Set(Object.values(blind))]).toEqual(['ok', 'unknown'])
  })

  test('a socket that may not be opened is unknown, with the missing right', async () => {
    const told = await asNobody(65_534, () => tellerOf().tell())
    expect(told.step('connect').outcome).toBe('unknown')
    expect(told.reason('connect')).toMatch(
      /does not allow this: the watchman's user may not open the socket: put it into the group/,
    )
    expect(told.step('exited').outcome).toBe('skipped')
  })

  test('an engine that hangs is told as hanging, and as dead once it is', async () => {
    await freezeWhole(docker)
    const hung = await tellerOf().tell()
    const waiting = await fillQueue(docker.socket)
    const crowded = await tellerOf().tell()
    for (const socket of waiting) socket.destroy()
    docker.thaw()
    expect(hung.step('connect').findings).toMatchObject([
      { severity: 'critical', evidence: { kind: 'timeout-reply' } },
    ])
    expect(hung.summaries('connect')[0]).toMatch(/d\.sock accepts connections but does not answer/)
    expect(hung.step('exited').outcome).toBe('skipped')
    expect(crowded.summaries('connect')[0]).toMatch(
      /accepts connections but does not answer: its queue of waiting connections is full$/,
    )
    await until('it answers again', async () => (await tellerOf().tell()).step('connect').outcome === 'ok')
    await docker.kill()
    const dead = await tellerOf().tell()
    expect(dead.summaries('connect')[0]).toMatch(/: the socket is left over from a dead engine$/)
    await docker.restart()
    expect((await tellerOf().tell()).step('connect').outcome).toBe('ok')
  })
})

describe('no engine', () => {
  test('no socket is told as such', async () => {
    await using dir = await makeTempDir()
    const told = await teller(story, { url: `unix://${dir.path}/none.sock` }).tell()
    expect(told.summaries('connect')[0]).toMatch(/^nothing listens on .+none\.sock: there is no such socket$/)
  })

  test('something else that listens there is told as such', async () => {
    await using dir = await makeTempDir()
    const path = join(dir.path, 'x.sock')
    const server = createServer((_request, response) => response.end('<html>')).listen(path)
    await once(server, 'listening')
    const told = await teller(story, { url: `unix://${path}` }).tell()
    server.close()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
  })
})

/** Connects to a socket whose owner accepts nothing until the kernel takes no more. */
async function fillQueue(path: string): Promise<readonly Socket[]> {
  const waiting: Socket[] = []
  for (;;) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
    } catch {
      return waiting
    }
    waiting.push(socket)
  }
}

/** As a user without rights, in this one group. */
async function asNobody<T>(group: number, act: () => Promise<T>): Promise<T> {
  const groups = process.getgroups?.() ?? []
  process.setgroups?.([])
  process.setegid?.(group)
  process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
    process.setgroups?.(groups)
  }
}
