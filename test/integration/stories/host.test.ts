import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DidNotHelp, readProcess, scanProcesses } from 'healthz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import host from '../../../stories/host/index.ts'
import { makeMemoryGroup, mayLimitMemory } from '../../support/memory-group.ts'
import { describeWith, linux, python } from '../../support/needs.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'
import { startVictim } from '../../support/victim.ts'

const run = promisify(execFile)
const mebibyte = 1_048_576

/** Only root may mount: without it the disk steps are tested on recorded mounts alone. */
const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0
const mayMount = isLinuxRoot ? {} : { skip: true, meta: { leftOut: 'needs root on Linux, to mount a tmpfs' } }

describeWith([linux], 'the host story', () => {
  test('without options it tells fast, and knows the answer to every question', async () => {
    const watched = teller(host, {})
    const told = await watched.tell()
    const unsure = Object.values(told.steps).filter(({ outcome }) => outcome === 'unknown')
    // What this host is short of is its own affair; what it cannot say would be noise.
    expect(unsure).toEqual([])
    expect(told.steps['net-errors']).toBeUndefined()
    const took = Math.max(...Object.values(told.steps).map((step) => step.took))
    expect(took).toBeLessThan(2000)
  })

  test('zombies: a parent that reaps nothing is told by name', async () => {
    await using victim = await startVictim('sh', '-c', 'for i in $(seq 25); do true & done; exec sleep 1000')
    await until('there are 25 zombies', async () => {
      const children = (await scanProcesses()).filter(({ parent }) => parent === victim.pid)
      return children.filter(({ state }) => state === 'Z').length === 25
    })
    const told = await teller(host, {}).tell('zombies')
    expect(told.summaries('zombies')).toContain(
      `sleep (process ${victim.pid}) has not reaped 25 ended children (limit 20)`,
    )
    const few = await teller(host, {}, { zombies: { zombies: 25 } }).tell('zombies')
    expect(few.summaries('zombies').join()).not.toContain(`process ${victim.pid}`)
  })

  describeWith([python], 'in a kernel wait', () => {
    test('dstate: a crowd that hangs in the kernel is told', async () => {
      await using victim = await startVictim('python3', '-c', hangTogether(7))
      await until('seven hang', async () => {
        return (
          (await scanProcesses()).filter(({ session, state }) => session === victim.pid && state === 'D')
            .length === 7
        )
      })
      const told = await teller(host, {}).tell('dstate')
      expect(told.summaries('dstate')[0]).toMatch(/^\d+ processes hang on a device \(limit 5\): .*python3/)
      expect(readProcess(victim.pid)?.state).toBe('S')
    })
  })
})

describe('memory of the host', mayLimitMemory, () => {
  test('what the kernel killed is told by name', async () => {
    const watched = teller(host, {})
    expect((await watched.tell('oom')).step('oom').outcome).toBe('ok')
    await using group = makeMemoryGroup(20 * mebibyte)
    await using hog = await startVictim('sh', '-c', `echo $$ >${group.procs}; exec tail /dev/zero`)
    await until('it was killed', () => readProcess(hog.pid) === null)
    const told = await watched.tell('oom')
    expect(told.summaries('oom')[0]).toMatch(
      /^the kernel killed \d process(es)? for lack of memory within 15 min/,
    )
    if (existsSync('/dev/kmsg')) expect(told.summaries('oom')[0]).toContain('the last one tail')
  })
})

describe('disks of the host', mayMount, () => {
  let dir: TempDir
  let mount: string
  const watch = (steps: Record<string, Record<string, unknown>> = {}, more: object = {}) =>
    teller(host, { mounts: [mount], ...more }, steps)
  const at = (told: { step(name: string): { findings: readonly { key: string }[] } }, step: string) =>
    told.step(step).findings.filter(({ key }) => key === mount)

  beforeAll(async () => {
    dir = await makeTempDir()
    mount = join(dir.path, 'fs')
    await mkdir(mount)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=10m,nr_inodes=100', 'tmpfs', mount])
  })
  afterAll(async () => {
    await run('umount', [mount])
    await dir[Symbol.asyncDispose]()
  })

  test('a tmpfs is left out unless it is listed', async () => {
    const told = await teller(host, {}).tell('disk')
    expect(JSON.stringify(told.steps)).not.toContain(mount)
  })

  test('a full disk is told, and cleaned when asked', async () => {
    expect(at(await watch().tell('disk'), 'disk')).toEqual([])
    await writeFile(join(mount, 'big'), Buffer.alloc(9_700_000))
    const cleanups = [{ mount, name: 'remove the big file', command: ['rm', join(mount, 'big')] }]
    const watched = watch({}, { cleanups })
    const told = await watched.tell('disk')
    expect(at(told, 'disk')).toMatchObject([
      { severity: 'warning', summary: { values: [mount, { bytes: expect.any(Number) }, {}, {}, 10] } },
    ])
    expect(told.summaries('disk').join()).toMatch(/has \d+ KiB left, 7\.\d % of 10 MiB \(limit 10 %\)/)
    expect(told.cures.get(`disk/${mount}`)?.consent).toBe('ask')
    await told.cure(`disk/${mount}`)
    expect(at(await watched.tell('disk'), 'disk')).toEqual([])
  })

  test('a nearly full disk is critical, and a cleanup that frees nothing owns up', async () => {
    await writeFile(join(mount, 'big'), Buffer.alloc(10_200_000))
    const cleanups = [{ mount, name: 'do nothing', command: ['true'] }]
    const told = await watch({}, { cleanups }).tell('disk')
    expect(at(told, 'disk')).toMatchObject([{ severity: 'critical' }])
    await expect(told.cure(`disk/${mount}`)).rejects.toBeInstanceOf(DidNotHelp)
    const missing = [{ mount, name: 'run nothing', command: ['/nowhere/cleanup'] }]
    const again = await watch({}, { cleanups: missing }).tell('disk')
    await expect(again.cure(`disk/${mount}`)).rejects.toBeInstanceOf(DidNotHelp)
    await rm(join(mount, 'big'))
  })

  test('a small share of a large disk is no problem', async () => {
    await writeFile(join(mount, 'big'), Buffer.alloc(9_700_000))
    expect(at(await watch({ disk: { freeGiB: 0 } }).tell('disk'), 'disk')).toEqual([])
    await rm(join(mount, 'big'))
  })

  test('a disk without room for files is told', async () => {
    for (let i = 0; i < 93; i += 1) await writeFile(join(mount, `f${i}`), '')
    const told = await watch().tell('disk', 'inode')
    expect(at(told, 'inode')).toMatchObject([{ severity: 'warning', evidence: { files: 100 } }])
    expect(at(told, 'disk')).toEqual([])
    for (let i = 93; i < 97; i += 1) await writeFile(join(mount, `f${i}`), '')
    expect(at(await watch().tell('inode'), 'inode')).toMatchObject([{ severity: 'critical' }])
    for (let i = 0; i < 97; i += 1) await rm(join(mount, `f${i}`))
  })

  test('a disk that fills steadily is told in time', async () => {
    const watched = watch()
    const hour = 3_600_000
    const points = [0, 1, 2, 3].map((i) => [Date.now() - 2 * hour + (i * hour) / 2, i * 2])
    await writeFile(join(mount, 'big'), Buffer.alloc(8 * mebibyte))
    watched.samples = { 'disk-fill': { at: Date.now(), value: { [mount]: points } } }
    const told = await watched.tell('disk-fill')
    expect(at(told, 'disk-fill')).toMatchObject([{ severity: 'critical' }])
    expect(told.summaries('disk-fill').join()).toMatch(
      /will be full in (29|30) min( \d+ s)?: it grows by 4 MiB an hour and is 80 % full \(limit 1 d\)/,
    )
    await rm(join(mount, 'big'))
    expect(at(await watched.tell('disk-fill'), 'disk-fill')).toEqual([])
  })

  test('a disk that becomes read-only is told, one that always was is not', async () => {
    const watched = watch()
    expect(at(await watched.tell('fs-readonly'), 'fs-readonly')).toEqual([])
    await run('mount', ['-o', 'remount,ro', mount])
    try {
      expect(at(await watched.tell('fs-readonly'), 'fs-readonly')).toMatchObject([{ severity: 'critical' }])
      expect(at(await watched.tell('fs-readonly'), 'fs-readonly')).toHaveLength(1)
      expect(at(await watch().tell('fs-readonly'), 'fs-readonly')).toEqual([])
    } finally {
      await run('mount', ['-o', 'remount,rw', mount])
    }
    expect(at(await watched.tell('fs-readonly'), 'fs-readonly')).toEqual([])
  })

  test('a mount that should be there and is not is told', async () => {
    const told = await teller(host, { mounts: ['/nowhere/data'] }).tell('disk')
    expect(told.summaries('disk')).toContain('nothing is mounted on /nowhere/data')
  })
})

/** Starts processes that each wait for a child of clone(CLONE_VFORK), which shares nothing and sleeps. */
const hangTogether = (many: number) => `
import ctypes, os, platform, time
clone, CLONE_VFORK, SIGCHLD = (56 if platform.machine() == 'x86_64' else 220), 0x4000, 17
for _ in range(${many}):
    if os.fork() == 0:
        ctypes.CDLL(None).syscall(clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)
        time.sleep(600)
        os._exit(0)
time.sleep(600)
`
