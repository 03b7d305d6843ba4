import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DidNotHelp } from 'healthz'
import { afterAll, beforeAll, expect, test } from 'vitest'
import supervisor from '../../../stories/supervisor/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Supervisor, startSupervisor } from '../../support/servers/supervisor.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

/** Fails until its mended file exists, then runs. */
const untilMended = (name: string, exit: string) =>
  `command=/bin/sh -c "test -e %(here)s/mended-${name} && exec sleep 3600; ${exit}"`

const programs = `
[program:web]
command=/bin/sleep 3600
startsecs=0
[program:worker]
command=/bin/sleep 3600
startsecs=0
process_name=%(program_name)s_%(process_num)02d
numprocs=2
[group:pool]
programs=worker
[program:fatal]
${untilMended('fatal', 'echo no licence password=hunter2SECRET >&2; exit 3')}
startretries=0
[program:nofile]
command=/nonexistent/program
startretries=0
[program:badexit]
${untilMended('badexit', 'exit 7')}
startsecs=0
autorestart=false
[program:diesagain]
command=/bin/sh -c "sleep 1.5; exit 7"
autorestart=false
[program:left]
command=/bin/sh -c "test -e %(here)s/left-again && exec sleep 3600; touch %(here)s/left-again; exit 7"
startsecs=0
autorestart=false
[program:finished]
command=/bin/true
startsecs=0
autorestart=false
[program:job]
command=/bin/false
startsecs=0
autorestart=false
[program:backoff]
command=/bin/sh -c "sleep 0.7; exit 3"
startretries=100
[program:slowstart]
command=/bin/sleep 3600
startsecs=60
[program:flap]
command=/bin/sh -c "sleep 0.5; exit 5"
startsecs=0
autorestart=true
[program:manual]
command=/bin/sleep 3600
autostart=false
[program:byperson]
command=/bin/sleep 3600
startsecs=0
[program:slowstop]
command=/bin/sh -c "trap '' TERM; while :; do sleep 1; done"
startsecs=0
stopwaitsecs=600
[program:many]
command=/bin/bash -c "ulimit -n 64; for i in {10..60}; do eval 'exec '$i'>/dev/null'; done; read x < <(sleep 3600)"
startsecs=0
`

describeWith(['supervisor'], 'the supervisor story', () => {
  let server: Supervisor
  const options = () => ({ url: `unix://${server.socket}`, user: 'hz', password: 'hz-pw' })
  const stateOf = async (name: string) => {
    const info = (await server.rpc('supervisor.getProcessInfo', name)) as { statename: string }
    return info.statename
  }
  const inState = (name: string, state: string) =>
    until(`${name} is ${state}`, async () => (await stateOf(name)) === state)

  beforeAll(async () => {
    server = await startSupervisor({ programs })
    await Promise.all([
      inState('fatal', 'FATAL'),
      inState('nofile', 'FATAL'),
      ...['badexit', 'diesagain', 'left', 'finished', 'job'].map((name) => inState(name, 'EXITED')),
    ])
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('tells a program that fails to start, also while it starts once more, and not a slow one', async () => {
    const story = teller(supervisor, options())
    const told = async () => (await story.tell('backoff')).step('backoff').findings.map(({ key }) => key)
    // Who first looks at it while it starts cannot know that it has failed before.
    const first = await until('it is seen between two starts', async () => {
      const keys = await told()
      return keys.length > 0 && keys
    })
    expect(first).toEqual(['backoff'])
    await inState('backoff', 'STARTING')
    expect(await told()).toEqual(['backoff'])
    expect(await stateOf('slowstart')).toBe('STARTING')
  })

  test('answers over the socket and over HTTP, with credentials in the URL or beside it', async () => {
    const inUrl = server.url.replace('http://', 'http://hz:hz-pw@')
    for (const given of [options(), { url: server.url, user: 'hz', password: 'hz-pw' }, { url: inUrl }]) {
      const told = await teller(supervisor, given).tell()
      expect(told.step('connect').outcome).toBe('ok')
    }
  })

  test('tells each program that supervisord gave up, with the end of its log and no password', async () => {
    const told = await teller(supervisor, options()).tell('fatal')
    expect(told.summaries('fatal')).toEqual([
      'fatal is down: supervisord gave up starting it, because it ends right after each start',
      'nofile is down: supervisord gave up starting it, because its command does not exist',
    ])
    expect(told.step('fatal').findings[0]?.evidence['lastLine']).toBe('no licence password=***')
    expect([...told.cures.keys()]).toEqual(['fatal/fatal'])
  })

  test('tells a bad end, not a clean one', async () => {
    const told = await teller(supervisor, { ...options(), oneshot: ['job'] }).tell('exited')
    const found = told.step('exited').findings
    expect(found.map(({ key }) => key).sort()).toEqual(['badexit', 'diesagain', 'job', 'left'])
    expect(found.find(({ key }) => key === 'badexit')?.evidence['exitCode']).toBe(7)
    expect(told.summaries('exited').join()).toMatch(/badexit is down: it ended with exit code 7 .* ago/)
    expect(told.cures.has('exited/job')).toBe(false)
  })

  test('tells a clean end of a program that should run', async () => {
    const told = await teller(supervisor, { ...options(), expectRunning: ['finished'] }).tell('exited')
    expect(told.summaries('exited').join()).toContain('finished is down: it ended with exit code 0')
  })

  test('tells a program that dies after its start seconds and looks fine each time', async () => {
    const story = teller(supervisor, options())
    const found = await until('three restarts were seen', async () => {
      const told = await story.tell('flapping')
      return told.step('flapping').findings.find(({ key }) => key === 'flap')
    })
    expect(found).toMatchObject({ severity: 'warning', evidence: { restarts: 3 } })
  })

  test('reminds of a program that a person stopped long ago, and starts it only when asked', async () => {
    await server.rpc('supervisor.stopProcess', 'byperson')
    expect((await teller(supervisor, options()).tell('stopped')).step('stopped')).toMatchObject({
      outcome: 'ok',
      notes: [{ template: '{0} was stopped by a person {1} ago' }],
    })
    const expected = await teller(supervisor, { ...options(), expectRunning: ['byperson', 'manual'] }).tell(
      'stopped',
    )
    expect(expected.step('stopped').findings.map(({ key, severity }) => [key, severity])).toEqual([
      ['byperson', 'critical'],
      ['manual', 'critical'],
    ])
    const told = await until('a second has passed', async () => {
      const late = await teller(supervisor, options(), { stopped: { stoppedMax: '1s' } }).tell('stopped')
      return late.step('stopped').outcome === 'problem' && late
    })
    expect(told.summaries('stopped')).toEqual([
      expect.stringMatching(/^byperson was stopped by a person [2-9] s ago \(limit 1 s\)$/),
    ])
    expect(told.cures.get('stopped/byperson')?.consent).toBe('ask')
    expect((await teller(supervisor, options()).tell()).cures.has('stopped/byperson')).toBe(false)
  })

  test('tells a program that hangs while it is stopped', async () => {
    await server.rpc('supervisor.stopProcess', 'slowstop', false)
    const story = teller(supervisor, options())
    expect((await story.tell('stuck')).step('stuck').outcome).toBe('ok')
    const sample = story.samples['stuck']?.value as { slowstop: number }
    story.samples = { stuck: { at: Date.now(), value: { slowstop: sample.slowstop - 640_000 } } }
    expect((await story.tell('stuck')).summaries('stuck')).toEqual([
      expect.stringMatching(/^slowstop has been stopping for 10 min 4\d s \(limit 10 min 30 s\)$/),
    ])
  })

  test('tells a program that is about to run out of file descriptors or memory', async () => {
    const story = teller(supervisor, { ...options(), resources: true }, { resources: { rssMiB: 0.5 } })
    const told = await until('its files are open', async () => {
      const now = await story.tell('resources')
      return now.summaries('resources').some((words) => words.startsWith('many has 5')) && now
    })
    expect(told.summaries('resources').join()).toMatch(
      /many has 5\d of 64 file descriptors open \(limit 80 %\)/,
    )
    expect(told.summaries('resources').join()).toMatch(/web uses .* of memory \(limit 512 KiB\)/)
  })

  test('the cures mend what can be mended, and own up to what cannot', async () => {
    const story = teller(supervisor, options(), { stopped: { stoppedMax: '1s' } })
    const told = await until('byperson is told as well', async () => {
      const now = await story.tell('fatal', 'exited', 'stopped')
      return now.step('stopped').outcome === 'problem' && now
    })
    await writeFile(join(server.dir, 'mended-fatal'), '')
    await writeFile(join(server.dir, 'mended-badexit'), '')
    await server.rpc('supervisor.startProcess', 'left')
    await server.rpc('supervisor.stopProcess', 'left')

    const [mended, again, left] = await Promise.all([
      Promise.all([told.cure('fatal/fatal'), told.cure('exited/badexit'), told.cure('stopped/byperson')]),
      told.cure('exited/diesagain').catch((error) => error),
      told.cure('exited/left').catch((error) => error),
    ])
    expect(mended).toHaveLength(3)
    expect(again).toBeInstanceOf(DidNotHelp)
    expect(again.reason).toMatchObject({ template: 'it did not stay up after the start: {0}' })
    expect(left).toBeInstanceOf(DidNotHelp)
    expect(await stateOf('left')).toBe('STOPPED')

    const after = await story.tell('fatal', 'exited', 'stopped')
    expect(after.step('fatal').findings.map(({ key }) => key)).toEqual(['nofile'])
    expect(after.step('exited').findings.map(({ key }) => key)).not.toContain('badexit')
    expect(after.step('stopped').findings.map(({ key }) => key)).not.toContain('byperson')
  })

  test('tells a section that was never loaded, and loads it when asked', async () => {
    const expecting = { ...options(), expect: ['web', 'pool:worker_00', 'pool:*', 'later', 'nowhere'] }
    const steps = { drift: { longest: '0s' } }
    const absent = await teller(supervisor, expecting, steps).tell('missing', 'drift')
    expect(absent.summaries('missing')).toEqual([
      'later is not known to supervisord',
      'nowhere is not known to supervisord',
    ])
    expect(absent.step('drift').outcome).toBe('ok')

    const file = join(server.dir, 'supervisord.conf')
    await writeFile(file, '[program:later]\ncommand=/bin/sleep 3600\nstartsecs=0\n', { flag: 'a' })
    await server.rpc('supervisor.reloadConfig')
    const story = teller(supervisor, expecting, steps)
    const told = await until('the section waits', async () => {
      const now = await story.tell('missing', 'drift')
      return now.step('drift').outcome === 'problem' && now
    })
    expect(told.summaries('missing')[0]).toBe('later is configured, but not loaded by supervisord')
    expect(told.summaries('drift')).toEqual([
      'supervisord has read sections that are not in effect for more than 0 ms: later',
    ])
    await told.cure('missing/later')
    expect((await story.tell('missing', 'drift')).summaries('missing')).toEqual([
      'nowhere is not known to supervisord',
    ])
    expect(await stateOf('later')).toBe('RUNNING')
  })
})
