import { once } from 'node:events'
import { chmod, link } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { DidNotHelp } from 'healthz'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import story from '../../../stories/docker/index.ts'
import { type RecordedDocker, startRecordedDocker } from '../../support/servers/docker.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { teller } from '../../support/teller.ts'

describe('the containers of a recorded Docker 20.10', () => {
  let docker: RecordedDocker
  beforeEach(async () => {
    docker = await startRecordedDocker()
  })
  afterEach(() => docker[Symbol.asyncDispose]())

  const tellerOf = (
    options: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(story, { url: `unix://${docker.socket}`, ...options }, steps)

  /** Leaves only these containers on the engine. */
  const keep = (...names: string[]) => {
    for (const name of Object.keys(docker.containers))
      if (!names.includes(name)) delete docker.containers[name]
  }

  const shape = (name: string) => {
    const container = docker.containers[name]
    if (container === undefined) throw new Error(`no container ${name} was recorded`)
    return container
  }

  test('containers that run, start, have done their work or were just stopped are fine', async () => {
    keep('web', 'healthy', 'starting', 'done', 'never', 'stopped', 'personkept')
    const told = await tellerOf({ expect: ['web', 'healthy'] }).tell()
    expect(Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'connect ok',
      'running ok',
      'exited ok',
      'health ok',
      'restarts ok',
      'oom ok',
      'stopped ok',
      'stuck ok',
    ])
    expect((await tellerOf().tell()).steps).not.toHaveProperty('running')
  })

  test('an expected container that is absent or down is told with why', async () => {
    const expected = ['web', 'failed', 'stopped', 'held', 'never', 'badcmd', 'hungryloop', 'gone']
    const told = await tellerOf({ expect: expected }).tell('running', 'exited')
    expect(told.summaries('running')).toEqual([
      'failed does not run: it ended with exit code 3 1 min 23 s ago',
      'stopped does not run: it was ended by signal 9 1 min 21 s ago',
      'held does not run: it is paused',
      'never does not run: it was never started',
      'badcmd does not run: the engine could not start it',
      expect.stringMatching(/^hungryloop does not run: it ended with exit code 137 and is being restarted$/),
      'there is no container gone',
    ])
    const consents = told.step('running').findings.map(({ key, cure }) => [key, cure?.consent])
    expect(consents).toEqual([
      ['failed', 'auto'],
      ['stopped', 'ask'],
      ['held', undefined],
      ['never', 'ask'],
      ['badcmd', 'auto'],
      ['hungryloop', undefined],
      ['gone', undefined],
    ])
    // One cause, one problem.
    expect(told.step('exited').findings.map(({ key }) => key)).toEqual(['gaveup'])
  })

  test('what ended with a fault is told, and for how long; what is long forgotten is only noted', async () => {
    const told = await tellerOf().tell('exited')
    expect(told.step('exited').findings.map(({ key, severity }) => [key, severity])).toEqual([
      ['gaveup', 'critical'],
      ['badcmd', 'warning'],
      ['failed', 'warning'],
    ])
    expect(told.summaries('exited')[0]).toBe(
      'gaveup is down: it ended with exit code 4 1 min 22 s ago, and the engine does not start it again',
    )
    docker.at += 8 * 86_400_000
    const later = await tellerOf().tell('exited')
    expect(later.step('exited').outcome).toBe('ok')
    expect(later.step('exited').notes).toMatchObject([{ values: [['badcmd', 'failed', 'gaveup']] }])
    expect(
      (await tellerOf({ ignore: ['gave*', 'badcmd', '*ailed'] }).tell('exited')).step('exited').outcome,
    ).toBe('ok')
  })

  test('a failing health check is told without what it prints, and forgotten once it passes', async () => {
    const story = tellerOf()
    const told = await story.tell()
    const { FailingStreak = 0 } = shape('sick').State.Health ?? {}
    expect(told.summaries('health')).toEqual([
      `sick runs, but ${FailingStreak} health checks in a row failed (the last with exit code 1)`,
    ])
    expect(JSON.stringify(docker.containers)).toContain('hunter2SECRET')
    for (const printed of [JSON.stringify(told), inspect(told, { depth: 20 }), JSON.stringify(story.samples)])
      expect(printed).not.toContain('hunter2SECRET')
    shape('sick').State.Health = { Status: 'healthy', FailingStreak: 0, Log: [{ ExitCode: 0 }] }
    expect((await story.tell('health')).step('health').outcome).toBe('ok')
  })

  test('a container that is restarted again and again is told, a start by a person is none of it', async () => {
    const flapping = tellerOf()
    // Made a minute ago and restarted several times since: that is known at the first look.
    expect((await flapping.tell('restarts')).summaries('restarts')).toEqual([
      `flap was restarted ${shape('flap').RestartCount} times within 10 min (limit 3)`,
      `hungryloop was restarted ${shape('hungryloop').RestartCount} times within 10 min (limit 3)`,
    ])
    keep('flap')
    docker.at += 3_600_000
    const old = tellerOf()
    expect((await old.tell('restarts')).step('restarts').outcome).toBe('ok')
    docker.at += 60_000
    shape('flap').RestartCount += 2
    expect((await old.tell('restarts')).step('restarts').outcome).toBe('ok')
    docker.at += 60_000
    shape('flap').RestartCount += 1
    expect((await old.tell('restarts')).summaries('restarts')).toEqual([
      'flap was restarted 3 times within 10 min (limit 3)',
    ])
    docker.at += 60_000
    shape('flap').RestartCount += 7
    expect((await old.tell('restarts')).step('restarts').findings).toMatchObject([{ severity: 'critical' }])
    docker.at += 60_000
    shape('flap').RestartCount = 0
    expect((await old.tell('restarts')).step('restarts').outcome).toBe('ok')
  })

  test('a kill for lack of memory is told once seen, for an hour', async () => {
    const hungry = tellerOf()
    // The recorded engine runs on cgroup v1: of the container that died it says that nothing was killed.
    expect(shape('hungry').State.OOMKilled).toBe(false)
    expect((await hungry.tell('oom')).summaries('oom')).toEqual([
      'the kernel killed 2 processes in hungryloop for lack of memory within 1 h, the last one 9 s ago (it is being restarted)',
    ])
    // The engine forgets its events within minutes; the watchman does not.
    docker.events = []
    docker.at += 1_800_000
    shape('hungryloop').State = { ...shape('web').State }
    expect((await hungry.tell('oom')).summaries('oom')[0]).toMatch(/^the kernel killed 2 .+\(it runs\)$/)
    docker.at += 3_600_000
    expect((await hungry.tell('oom')).step('oom').outcome).toBe('ok')
  })

  test('where the events say nothing, the flag of the last run does', async () => {
    docker.events = []
    keep('hungry')
    shape('hungry').State.OOMKilled = true
    expect((await tellerOf().tell('oom')).summaries('oom')).toEqual([
      'the kernel killed 1 process in hungry for lack of memory within 1 h, the last one 1 min 22 s ago (it is down)',
    ])
  })

  test('one that a person stopped and forgot, and one that stays paused, are told', async () => {
    keep('web', 'personkept', 'held')
    const waiting = tellerOf()
    expect((await waiting.tell('stopped', 'stuck')).step('stuck').outcome).toBe('ok')
    docker.at += 25 * 3_600_000
    const told = await waiting.tell('stopped', 'stuck')
    expect(told.summaries('stopped')).toEqual([
      'personkept was stopped by a person 1 d 1 h ago (limit 1 d), though its restart policy is unless-stopped',
    ])
    expect(told.step('stopped').findings).toMatchObject([{ severity: 'warning', cure: { consent: 'ask' } }])
    expect(told.summaries('stuck')).toEqual(['held has been paused for 1 d 1 h (limit 1 h) and does nothing'])
  })

  test('a crowd is told by its worst and by number', async () => {
    const failed = shape('failed')
    keep()
    for (let index = 0; index < 30; index++) {
      const name = `job-${index}`
      docker.containers[name] = { ...structuredClone(failed), Id: `id${index}`, Name: `/${name}` }
    }
    const told = await tellerOf().tell('exited')
    expect(told.step('exited').findings).toHaveLength(20)
    expect(told.summaries('exited').at(-1)).toBe('there are 11 more problems of this kind')
  })

  test('the cures mend what can be mended, and own up to what cannot', async () => {
    docker.afterStart = { gaveup: { Status: 'exited', ExitCode: 4 } }
    const sick = shape('sick')
    docker.afterStart['sick'] = { Health: { Status: 'healthy', FailingStreak: 0, Log: [] } }
    const broken = tellerOf({ expect: ['failed', 'badcmd'] })
    const told = await broken.tell()
    const later = await tellerOf({ expect: ['badcmd'] }).tell('running')
    delete docker.containers['badcmd']
    const [mended, vain, gone] = await Promise.all([
      Promise.all([told.cure('running/failed'), told.cure('health/sick')]),
      told.cure('exited/gaveup').catch((error) => error),
      later.cure('running/badcmd').catch((error) => error),
    ])
    expect(mended).toHaveLength(2)
    expect(vain).toBeInstanceOf(DidNotHelp)
    expect(vain.reason).toMatchObject({ template: 'it did not stay up after the start: {0}' })
    expect(gone.reason).toMatchObject({ template: 'there is no container {0} any more' })
    const posts = docker.requests.filter((request) => request.startsWith('POST'))
    expect(posts.toSorted()).toEqual(
      [
        `POST /containers/${shape('failed').Id}/start`,
        `POST /containers/${shape('gaveup').Id}/start`,
        `POST /containers/${sick.Id}/restart`,
      ].toSorted(),
    )
    expect((await broken.tell('health', 'exited')).step('health').outcome).toBe('ok')
  })

  test('a container that somebody touched in the meantime is left alone', async () => {
    const told = await tellerOf({ expect: ['failed'] }).tell()
    shape('failed').State.FinishedAt = new Date(docker.at).toISOString()
    await expect(told.cure('running/failed')).rejects.toMatchObject({
      reason: { template: 'somebody has touched {0} in the meantime, so it was left alone' },
    })
    expect(docker.requests.filter((request) => request.startsWith('POST'))).toEqual([])
  })

  test('what a proxy does not allow is unknown, with what to allow', async () => {
    keep('web', 'failed')
    docker.refused = ['/events', `/containers/${shape('failed').Id}/start`]
    const told = await tellerOf({ expect: ['failed'] }).tell()
    expect(told.step('oom').outcome).toBe('unknown')
    expect(told.reason('oom')).toBe(
      `${docker.socket} does not let the watchman ask GET /events; allow it in the settings of the proxy`,
    )
    expect(told.step('exited').outcome).toBe('ok')
    await expect(told.cure('running/failed')).rejects.toMatchObject({
      reason: { template: expect.stringContaining('allow POST /containers/{1}/{2}') },
    })
    docker.refused = ['/containers']
    const blind = await tellerOf().tell()
    for (const step of ['exited', 'health', 'restarts', 'oom', 'stopped', 'stuck'])
      expect(blind.step(step).outcome).toBe('unknown')
  })

  test('an answer of another form is unknown', async () => {
    Object.assign(shape('web'), { State: 'running' })
    expect((await tellerOf().tell('health')).reason('health')).toBe(
      `${docker.socket} gave an answer of another form`,
    )
  })

  test('an engine that hangs is told as hanging', async () => {
    docker.isHung = true
    const told = await tellerOf().tell()
    expect(told.step('connect').findings).toMatchObject([{ evidence: { kind: 'timeout-reply' } }])
    expect(told.step('exited').outcome).toBe('skipped')
  })
})

describe('an engine that cannot be asked', () => {
  const connectOf = async (url: string) => {
    const told = await teller(story, { url }).tell()
    return {
      step: told.step('connect'),
      summary: told.summaries('connect')[0],
      reason: told.reason('connect'),
    }
  }

  test('no socket, and one that is left over, are told apart', async () => {
    await using dir = await makeTempDir()
    const none = await connectOf(`unix://${dir.path}/none.sock`)
    expect(none.summary).toMatch(/^nothing listens on .+none\.sock: there is no such socket$/)
    const left = join(dir.path, 'left.sock')
    const server = createServer().listen(left)
    await once(server, 'listening')
    // Closing would remove the file: the process that holds it must die, or the file be kept by another name.
    await link(left, `${left}2`)
    server.close()
    await once(server, 'close')
    expect((await connectOf(`unix://${left}2`)).summary).toMatch(
      /: the socket is left over from a dead engine$/,
    )
  })

  test('something else that listens there is told as such', async () => {
    await using dir = await makeTempDir()
    const path = join(dir.path, 'x.sock')
    const server = createServer((_request, response) => response.end('<html>')).listen(path)
    await once(server, 'listening')
    const told = await connectOf(`unix://${path}`)
    server.close()
    expect(told.step.findings).toMatchObject([{ evidence: { kind: 'protocol' } }])
  })

  test.runIf(process.getuid?.() === 0)(
    'a socket that may not be opened is unknown, with the missing right',
    async () => {
      await using docker = await startRecordedDocker()
      await chmod(docker.socket, 0o600)
      await chmod(join(docker.socket, '..'), 0o755)
      const told = await asNobody(() => connectOf(`unix://${docker.socket}`))
      expect(told.step.outcome).toBe('unknown')
      expect(told.reason).toMatch(
        /does not allow this: the watchman's user may not open the socket: put it into the group/,
      )
    },
  )
})

async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}
