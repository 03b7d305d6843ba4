import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stat, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DidNotHelp, readProcess } from 'healthz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import story from '../../../stories/process/index.ts'
import { describeWith, linux, python, root } from '../../support/needs.ts'
import { listen } from '../../support/servers/listening.ts'
import { freePort } from '../../support/servers/ports.ts'
import { killSession } from '../../support/servers/sessions.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'
import { startVictim } from '../../support/victim.ts'

/** A length of sleep that no other process has, to be found by. */
const nap = () => `${randomInt(100_000, 999_999)}.${randomInt(1000, 9999)}`
const sleepOf = (length: string) => `^(/\\S*/)?sleep ${length.replace('.', '\\.')}$`
const stateOf = (pid: number) => readProcess(pid)?.state

describeWith([linux], 'the process story', () => {
  let dir: TempDir
  beforeAll(async () => {
    dir = await makeTempDir()
  })
  afterAll(() => dir[Symbol.asyncDispose]())

  test('without options it watches the watchman itself, and needs no systemd', async () => {
    const told = await teller(story, {}).tell()
    expect(Object.values(told.steps).map(({ step, outcome }) => [step, outcome])).toEqual([
      ['connect', 'ok'],
      ['fd', 'ok'],
      ['memory', 'ok'],
      ['state', 'ok'],
    ])
  })

  describe('running', () => {
    test('counts what matches, and tells what ended and when it was last seen', async () => {
      const length = nap()
      const watched = teller(story, { pattern: sleepOf(length) })
      await using victim = await startVictim('sleep', length)
      expect((await watched.tell('running')).step('running')).toMatchObject({ outcome: 'ok' })
      await victim.kill()
      const told = await watched.tell('running')
      expect(told.summaries('running')[0]).toContain('0 processes match')
      expect(told.step('running').findings[0]).toMatchObject({
        severity: 'critical',
        advice: { values: [String(victim.pid), { figure: 'time' }] },
      })
    })

    test('tells one too many, and one of another user too few', async () => {
      const length = nap()
      await using _one = await startVictim('sleep', length)
      await using _two = await startVictim('sleep', length)
      const many = await teller(story, { pattern: sleepOf(length) }, { running: { max: 1 } }).tell('running')
      expect(many.step('running').findings).toMatchObject([{ severity: 'warning', evidence: { count: 2 } }])
      const own = { pattern: sleepOf(length), user: String(process.getuid?.()) }
      expect((await teller(story, own).tell('running')).step('running').outcome).toBe('ok')
      const others = { pattern: sleepOf(length), user: '54321' }
      expect((await teller(story, others).tell('running')).step('running').outcome).toBe('problem')
      const unknown = { pattern: sleepOf(length), user: 'nobody-of-this-name' }
      expect((await teller(story, unknown).tell('running')).reason('running')).toContain('knows no user')
    })

    test('does not take the watchman itself for what it looks for', async () => {
      const own = readFileSync('/proc/self/cmdline', 'utf8').split('\0')[0] ?? ''
      expect(own).not.toBe('')
      const told = await teller(story, { pattern: `hz-${nap()}|${process.pid}` }).tell('running')
      expect(told.step('running').outcome).toBe('problem')
    })

    test('the configured start command brings it back, as nobody’s child and without our secrets', async () => {
      const length = nap()
      const options = { pattern: sleepOf(length), start: ['sleep', length] }
      const watched = teller(story, options)
      const told = await watched.tell('running')
      expect(told.cures.get('running')?.consent).toBe('ask')
      process.env['HEALTHZ_TEST_SECRET'] = 'hunter2SECRET'
      await told.cure('running')
      const after = await watched.tell('running')
      expect(after.step('running').outcome).toBe('ok')
      const { pid } = (after.step('running').sample?.value ?? { pid: 0 }) as { pid: number }
      try {
        expect(readProcess(pid)?.parent).not.toBe(process.pid)
        expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('hunter2SECRET')
      } finally {
        await killSession(readProcess(pid)?.session ?? 0)
      }
      const nowhere = await teller(story, { ...options, start: ['/nowhere/at-all'] }).tell('running')
      await expect(nowhere.cure('running')).rejects.toBeInstanceOf(DidNotHelp)
    })
  })

  describe('pidfile', () => {
    test('a living process is well, one that ended is told and its file removed', async () => {
      const path = join(dir.path, 'stale.pid')
      const watched = teller(story, { pidfile: path })
      await using victim = await startVictim('sleep', nap())
      await writeFile(path, `${victim.pid}\n`)
      expect((await watched.tell()).step('pidfile').outcome).toBe('ok')
      await victim.kill()
      const told = await watched.tell('pidfile')
      expect(told.summaries('pidfile')).toEqual([`${path} names process ${victim.pid}, which has ended`])
      await told.cure('pidfile')
      await expect(stat(path)).rejects.toThrow('ENOENT')
      expect((await watched.tell('pidfile')).summaries('pidfile')).toEqual([`there is no pidfile ${path}`])
    })

    test('the file of a process that was started meanwhile is not removed', async () => {
      const path = join(dir.path, 'reborn.pid')
      await using old = await startVictim('sleep', nap())
      await writeFile(path, String(old.pid))
      await old.kill()
      const told = await teller(story, { pidfile: path }).tell('pidfile')
      await using young = await startVictim('sleep', nap())
      await writeFile(path, String(young.pid))
      await expect(told.cure('pidfile')).rejects.toBeInstanceOf(DidNotHelp)
      expect((await stat(path)).isFile()).toBe(true)
    })

    test('a stranger is told by its start after the file, or by its command line', async () => {
      const path = join(dir.path, 'foreign.pid')
      const length = nap()
      await using victim = await startVictim('sleep', length)
      await writeFile(path, String(victim.pid))
      const long = new Date(Date.now() - 3_600_000)
      await utimes(path, long, long)
      expect((await teller(story, { pidfile: path }).tell('pidfile')).summaries('pidfile')).toEqual([
        `${path} names sleep (process ${victim.pid}), which is another program`,
      ])
      const right = { pidfile: path, pattern: sleepOf(length) }
      expect((await teller(story, right).tell('pidfile')).step('pidfile').outcome).toBe('ok')
      const wrong = { pidfile: path, pattern: sleepOf(nap()) }
      expect((await teller(story, wrong).tell('pidfile')).step('pidfile').outcome).toBe('problem')
    })

    test('a file without a number, and a program without its file', async () => {
      const path = join(dir.path, 'garbage.pid')
      await writeFile(path, 'starting\n')
      expect((await teller(story, { pidfile: path }).tell('pidfile')).summaries('pidfile')).toEqual([
        `${path} holds no process id`,
      ])
      const length = nap()
      await using victim = await startVictim('sleep', length)
      const watched = teller(story, { pidfile: join(dir.path, 'none.pid'), pattern: sleepOf(length) })
      expect((await watched.tell()).step('pidfile').findings).toMatchObject([{ severity: 'warning' }])
      await victim.kill()
      const told = await watched.tell()
      expect(told.step('running').outcome).toBe('problem')
      expect(told.step('pidfile').outcome).toBe('ok')
    })
  })

  test('flapping: three restarts between looks are told', async () => {
    const length = nap()
    const watched = teller(story, { pattern: sleepOf(length) })
    for (let i = 0; i < 4; i += 1) {
      await using _victim = await startVictim('sleep', length)
      const told = await watched.tell('flapping')
      expect(told.step('flapping').outcome).toBe(i < 3 ? 'ok' : 'problem')
      if (i === 3)
        expect(told.summaries('flapping')).toEqual(['sleep was restarted 3 times within 10 min (limit 3)'])
    }
  })

  test('fd: a process that has used up its file descriptors is told', async () => {
    await using victim = await startVictim(
      'bash',
      '-c',
      `ulimit -n 64; for i in {3..61}; do eval "exec $i</dev/null"; done; exec sleep ${nap()}`,
    )
    const path = join(dir.path, 'fd.pid')
    await writeFile(path, String(victim.pid))
    const told = await until('its files are open', async () => {
      const now = await teller(story, { pidfile: path }).tell('fd')
      return now.step('fd').findings[0]?.severity === 'critical' && now
    })
    expect(told.summaries('fd')[0]).toMatch(
      /\(process \d+\) has 6[0-4] of 64 file descriptors open \(limit 80 %\)/,
    )
  })

  describeWith([root], 'as root', () => {
    test('fd: what this user may not see is unknown, not ok', async () => {
      const length = nap()
      await using _victim = await startVictim('sleep', length)
      const watched = teller(story, { pattern: sleepOf(length) }, { deleted: {} })
      process.seteuid?.(65_534)
      try {
        const told = await watched.tell('fd', 'deleted')
        expect([told.step('fd').outcome, told.step('deleted').outcome]).toEqual(['unknown', 'unknown'])
        expect(told.reason('fd')).toContain('run it as root or as the same user')
      } finally {
        process.seteuid?.(0)
      }
    })
  })

  test('memory: a process beyond its limit is told with its growth', async () => {
    await using victim = await startVictim('sleep', nap())
    const path = join(dir.path, 'memory.pid')
    await writeFile(path, String(victim.pid))
    const watched = teller(story, { pidfile: path }, { memory: { rssMiB: 0.25 } })
    await until('it is told', async () => {
      const [words = ''] = (await watched.tell('memory')).summaries('memory')
      return /^sleep \(process \d+\) uses .* of memory \(limit 256 KiB\)$/.test(words)
    })
    const sample = watched.samples['memory']?.value as { growth: { startTicks: number } }
    const points = [[Date.now() - 7_200_000, 0]]
    watched.samples = {
      memory: { at: Date.now(), value: { growth: { ...sample.growth, points }, kills: null } },
    }
    expect((await watched.tell('memory')).summaries('memory')[0]).toMatch(/KiB more each hour\)$/)
  })

  test('state: a stopped process is told and let run on when asked', async () => {
    await using victim = await startVictim('sleep', nap())
    const path = join(dir.path, 'state.pid')
    await writeFile(path, String(victim.pid))
    const watched = teller(story, { pidfile: path })
    expect((await watched.tell('state')).step('state').outcome).toBe('ok')
    process.kill(victim.pid, 'SIGSTOP')
    await until('it is stopped', () => stateOf(victim.pid) === 'T')
    const told = await watched.tell('state')
    expect(told.summaries('state')).toEqual([`sleep (process ${victim.pid}) is stopped and does nothing`])
    expect(told.cures.get('state/stopped')?.consent).toBe('ask')
    await told.cure('state/stopped')
    await until('it runs on', () => stateOf(victim.pid) === 'S')
    expect((await watched.tell('state')).step('state').outcome).toBe('ok')
  })

  describeWith([python], 'in a kernel wait', () => {
    test('state: a process that hangs in the kernel is told after a minute', async () => {
      await using victim = await startVictim('python3', '-c', hangsInKernel)
      // It waits for the disk, too, while it starts.
      const hasChild = () => readFileSync(`/proc/${victim.pid}/task/${victim.pid}/children`, 'utf8') !== ''
      await until('it hangs', () => hasChild() && stateOf(victim.pid) === 'D')
      const path = join(dir.path, 'hangs.pid')
      await writeFile(path, String(victim.pid))
      const watched = teller(story, { pidfile: path })
      for (let i = 0; i < 2; i += 1) {
        expect((await watched.tell('state')).step('state').outcome).toBe('ok')
      }
      const [key] = Object.keys(watched.samples['state']?.value as object)
      watched.samples = {
        state: { at: Date.now(), value: { [key ?? '']: { since: Date.now() - 90_000, looks: 2 } } },
      }
      expect((await watched.tell('state')).summaries('state')).toEqual([
        expect.stringMatching(
          /^python3.* has hung on a device for 1 min 3\d s \(limit 1 min\), seen at 3 looks in a row$/,
        ),
      ])
    })
  })

  test('deleted: a program whose file was removed is told after a day', async () => {
    const path = join(dir.path, 'deleted.pid')
    await using victim = await startVictim(
      'bash',
      '-c',
      `cp "$(command -v sleep)" ${dir.path}/doze; ${dir.path}/doze ${nap()} & echo $! >${path}; until readlink /proc/$!/exe | grep -q doze; do :; done; rm ${dir.path}/doze; wait`,
    )
    const watched = teller(story, { pidfile: path }, { deleted: {} })
    await until('its file is gone', async () => {
      const told = await watched.tell('deleted').catch(() => null)
      return Object.keys((told?.step('deleted').sample?.value ?? {}) as object).length === 1
    })
    expect((await watched.tell('deleted')).step('deleted').outcome).toBe('ok')
    const [key] = Object.keys(watched.samples['deleted']?.value as object)
    watched.samples = { deleted: { at: Date.now(), value: { [key ?? '']: Date.now() - 90_000_000 } } }
    expect((await watched.tell('deleted')).summaries('deleted')[0]).toMatch(
      /^the program file of doze \(process \d+\) was replaced or removed more than 1 d 1 h ago/,
    )
    expect(victim.pid).toBeGreaterThan(0)
  })

  describe('port', () => {
    test('a free port is told, a served one is well', async () => {
      const free = await freePort()
      expect((await teller(story, { port: free }).tell('port')).summaries('port')).toEqual([
        `nothing listens on port ${free} of this host`,
      ])
      const server = createServer()
      const port = await listen(server, 0)
      try {
        const told = await teller(story, { port }).tell()
        expect(told.step('port').outcome).toBe('ok')
        expect(told.step('fd').outcome).toBe('ok')
        const length = nap()
        await using _victim = await startVictim('sleep', length)
        const other = await teller(story, { port, pattern: sleepOf(length) }).tell('port')
        expect(other.summaries('port')[0]).toMatch(
          new RegExp(`^port ${port} is held by .*process ${process.pid}\\), which is another program$`),
        )
        const file = join(dir.path, 'own.pid')
        await writeFile(file, String(process.pid))
        const right = await teller(story, { port, pidfile: file }).tell('port')
        expect(right.step('port').outcome).toBe('ok')
      } finally {
        server.close()
        await once(server, 'close')
      }
    })
  })

  test('faults in the options are told by name', () => {
    expect(story.options.safeParse({ pattern: '(' }).success).toBe(false)
    expect(story.options.safeParse({ start: ['x'] }).success).toBe(false)
    expect(story.options.safeParse({ unit: '-H evil' }).success).toBe(false)
    expect(story.options.safeParse({ unit: 'getty@tty1.service' }).success).toBe(true)
  })
})

/** A clone that shares nothing but makes its parent wait until it ends, as vfork does: the parent is in state D. */
const hangsInKernel = `
import ctypes, platform, time
clone, CLONE_VFORK, SIGCHLD = (56 if platform.machine() == 'x86_64' else 220), 0x4000, 17
ctypes.CDLL(None).syscall(clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)
time.sleep(600)
`
