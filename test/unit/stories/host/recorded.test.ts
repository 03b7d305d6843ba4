import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import host from '../../../../stories/host/index.ts'
import { processStat, type RecordedProc, recordProc } from '../../../support/recorded-proc.ts'
import { teller } from '../../../support/teller.ts'

const day = 86_400_000

describe('the host story on recorded files', () => {
  let proc: RecordedProc
  const search = process.env['PATH']
  beforeEach(async () => {
    proc = await recordProc({ 'sys/kernel/random/boot_id': 'c1e93ea6\n' })
  })
  afterEach(async () => {
    process.env['PATH'] = search
    await proc[Symbol.asyncDispose]()
  })
  const watch = (more: object = {}, steps: Record<string, Record<string, unknown>> = {}) =>
    teller(host, { proc: proc.path, root: proc.path, ...more }, steps)

  /** Puts a program of this name first on the path. */
  async function pretend(program: string, script: string): Promise<void> {
    const bin = join(proc.path, 'bin')
    await mkdir(bin, { recursive: true })
    await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, program), 0o755)
    process.env['PATH'] = `${bin}:${search}`
  }

  test('without /proc there is one answer: unknown', async () => {
    const told = await teller(host, { proc: '/nowhere' }).tell()
    expect(told.step('connect').outcome).toBe('unknown')
    expect(told.reason('connect')).toBe('there is no /nowhere here: this story needs Linux')
    expect(told.step('disk').outcome).toBe('skipped')
  })

  test('what this kernel does not tell is unknown, not ok', async () => {
    const told = await watch().tell('memory', 'swap', 'oom', 'load', 'fd')
    for (const step of ['memory', 'swap', 'oom', 'load', 'fd']) {
      expect(told.step(step).outcome, step).toBe('unknown')
    }
  })

  describe('memory', () => {
    const meminfo = (available: number) =>
      `MemTotal: 1048576 kB\nMemAvailable: ${available} kB\nSwapTotal: 0 kB\n`

    test.each([
      [200_000, null, undefined],
      [100_000, 'warning', 3],
      [40_000, 'critical', undefined],
    ])('with %i kB of 1 GiB available is %s', async (available, severity, confirm) => {
      await proc.write('meminfo', meminfo(available))
      await proc.write('42/stat', processStat(42, 'greedy'))
      await proc.write('42/status', 'VmRSS:\t  900000 kB\n')
      const [finding] = (await watch().tell('memory')).step('memory').findings
      expect(finding?.severity ?? null).toBe(severity)
      expect(finding?.confirm).toBe(confirm)
      if (finding) expect(JSON.stringify(finding.advice)).toContain('greedy')
    })

    test('with everything waiting for it is critical, however much is available', async () => {
      await proc.write('meminfo', meminfo(500_000))
      await proc.write(
        'pressure/memory',
        'some avg10=40.00 avg60=40.00 avg300=9.00 total=1\nfull avg10=30.00 avg60=22.00 avg300=5.00 total=1\n',
      )
      const told = await watch().tell('memory')
      expect(told.summaries('memory')).toEqual([
        'everything waited for memory 22 % of the last minute (limit 10 %), 488 MiB of 1 GiB are available',
      ])
    })
  })

  test('swap: a high rate is told once it has lasted, use alone never', async () => {
    await proc.write('vmstat', 'pswpin 1000000\npswpout 5000000\n')
    const watched = watch()
    expect((await watched.tell('swap')).step('swap').outcome).toBe('ok')
    const age = (ms: number, since: number | null) => {
      const sample = watched.samples['swap']?.value as object
      const at = Date.now() - ms
      watched.samples = { swap: { at, value: { ...sample, at, pages: 6_000_000, since } } }
    }
    age(60_000, null)
    await proc.write('vmstat', 'pswpin 1000000\npswpout 5200000\n')
    expect((await watched.tell('swap')).step('swap').outcome).toBe('ok')
    age(60_000, Date.now() - 400_000)
    const told = await watched.tell('swap')
    expect(told.summaries('swap')[0]).toMatch(/^3 ?3\d\d pages are swapped each second for 6 min 40 s/)
    age(60_000, Date.now() - 400_000)
    await proc.write('vmstat', 'pswpin 1000000\npswpout 5001000\n')
    expect((await watched.tell('swap')).step('swap').outcome).toBe('ok')
    age(60_000, Date.now() - 400_000)
    await proc.write('sys/kernel/random/boot_id', 'another\n')
    await proc.write('vmstat', 'pswpin 9000000\npswpout 9000000\n')
    expect((await watched.tell('swap')).step('swap').outcome).toBe('ok')
  })

  test('oom: kills are told for a while, those before a reboot or the first look never', async () => {
    await proc.write('vmstat', 'oom_kill 5\n')
    const watched = watch()
    expect((await watched.tell('oom')).step('oom').outcome).toBe('ok')
    await proc.write('vmstat', 'oom_kill 7\n')
    expect((await watched.tell('oom')).summaries('oom')[0]).toMatch(
      /^the kernel killed 2 processes for lack of memory within 15 min/,
    )
    expect((await watched.tell('oom')).step('oom').outcome).toBe('problem')
    const value = { boot: 'c1e93ea6\n', kills: 7, seen: [[Date.now() - day, 2]] }
    watched.samples = { oom: { at: Date.now(), value } }
    expect((await watched.tell('oom')).step('oom').outcome).toBe('ok')
    await proc.write('sys/kernel/random/boot_id', 'another\n')
    await proc.write('vmstat', 'oom_kill 9\n')
    expect((await watched.tell('oom')).step('oom').outcome).toBe('ok')
  })

  describe('load', () => {
    const pressure = (avg300: number) => `some avg10=0.00 avg60=0.00 avg300=${avg300}.00 total=1\n`
    const record = async (load5: number, cpu: number, io: number) => {
      await proc.write('loadavg', `1.00 ${load5} 0.41 5/173 15374\n`)
      await proc.write('pressure/cpu', pressure(cpu))
      await proc.write('pressure/io', pressure(io))
      return (await watch().tell('load')).summaries('load')
    }

    test('is told when tasks wait as well', async () => {
      expect(await record(9, 70, 0)).toEqual([
        'the load is 4.5 for each processor (limit 2), and tasks waited for a processor 70 % of the last 5 minutes (limit 50 %)',
      ])
      expect((await record(9, 10, 60))[0]).toContain('waited for disks 60 %')
    })

    test('alone, or waiting alone, is no problem', async () => {
      expect(await record(9, 10, 10)).toEqual([])
      expect(await record(3, 90, 90)).toEqual([])
    })

    test('without the kernel’s word on waiting is unknown when it is high, and well when it is not', async () => {
      await proc.write('loadavg', '1.00 9.00 0.41 5/173 15374\n')
      expect((await watch().tell('load')).step('load').outcome).toBe('unknown')
      await proc.write('loadavg', '1.00 1.00 0.41 5/173 15374\n')
      expect((await watch().tell('load')).step('load').outcome).toBe('ok')
    })
  })

  test('fd: full tables are told, a table that is not there is not', async () => {
    await proc.write('sys/fs/file-nr', '850\t0\t1000\n')
    expect((await watch().tell('fd')).step('fd').findings).toMatchObject([
      { key: 'files', severity: 'warning' },
    ])
    await proc.write('sys/fs/file-nr', '850\t0\t9223372036854775807\n')
    expect((await watch().tell('fd')).step('fd').outcome).toBe('ok')
    await proc.write('sys/net/netfilter/nf_conntrack_count', '64000\n')
    await proc.write('sys/net/netfilter/nf_conntrack_max', '65536\n')
    expect((await watch().tell('fd')).summaries('fd')).toEqual([
      'the firewall follows 64 000 of 65 536 connections (limit 80 %)',
    ])
  })

  describe('clock-sync', () => {
    test('without a time service is well', async () => {
      expect((await watch().tell('clock-sync')).step('clock-sync').outcome).toBe('ok')
    })

    test('of a service that does not answer is unknown', async () => {
      await proc.write('42/stat', processStat(42, 'chronyd'))
      await pretend('chronyc', 'echo "506 Cannot talk to daemon"; exit 1')
      expect((await watch().tell('clock-sync')).step('clock-sync').outcome).toBe('unknown')
    })

    test('is told after half an hour without, and set when asked', async () => {
      await proc.write('42/stat', processStat(42, 'chronyd'))
      const state = join(proc.path, 'leap')
      await writeFile(state, 'Not synchronised')
      await pretend(
        'chronyc',
        `if [ "$1" = makestep ]; then echo Normal >${state}; else echo "0,,0,0,0,0,0,0,0,0,0,0,0,$(cat ${state})"; fi`,
      )
      const watched = watch()
      expect((await watched.tell('clock-sync')).step('clock-sync').outcome).toBe('ok')
      watched.samples = { 'clock-sync': { at: Date.now(), value: { since: Date.now() - 2_400_000 } } }
      const told = await watched.tell('clock-sync')
      expect(told.summaries('clock-sync')).toEqual([
        'the clock has not been synchronized for 40 min (limit 30 min)',
      ])
      expect(told.cures.get('clock-sync')?.consent).toBe('ask')
      await told.cure('clock-sync')
      expect((await watched.tell('clock-sync')).step('clock-sync').outcome).toBe('ok')
    })
  })

  test('net-errors: an interface that loses packets is told, an idle one is not', async () => {
    const line = (packets: number, errors: number) =>
      `  eth0: 1 ${packets} ${errors} 0 0 0 0 0 1 0 0 0 0 0 0 0\n`
    await proc.write('net/dev', line(1_000_000, 100_000))
    const watched = watch({}, { 'net-errors': {} })
    const seen = { boot: 'c1e93ea6\n', interfaces: { eth0: { packets: 998_000, bad: 99_900 } } }
    watched.samples = { 'net-errors': { at: Date.now() - 60_000, value: seen } }
    expect((await watched.tell('net-errors')).summaries('net-errors')).toEqual([
      'the interface eth0 lost 100 of 2000 packets, 5 % (limit 1 %)',
    ])
    watched.samples = { 'net-errors': { at: Date.now() - 60_000, value: seen } }
    await proc.write('net/dev', line(998_100, 100_000))
    expect((await watched.tell('net-errors')).step('net-errors').outcome).toBe('ok')
  })

  test('reboot: a fresh start is told, an old one is not', async () => {
    await proc.write('uptime', '302.41 604.00\n')
    expect((await watch({}, { reboot: {} }).tell('reboot')).summaries('reboot')).toEqual([
      'this host was started 5 min 2 s ago (limit 15 min)',
    ])
    await proc.write('uptime', '90000.00 604.00\n')
    expect((await watch({}, { reboot: {} }).tell('reboot')).step('reboot').outcome).toBe('ok')
  })

  describe('a network file system', () => {
    const mountinfo = '33 27 0:40 / /mnt/nfs rw,relatime - nfs4 server:/export rw,vers=4.2\n'
    beforeEach(async () => {
      await proc.write('1/mountinfo', mountinfo)
      await mkdir(join(proc.path, 'mnt/nfs'), { recursive: true })
    })

    test('is left alone unless it is listed', async () => {
      expect((await watch().tell('disk')).step('disk')).toMatchObject({ outcome: 'ok', notes: [] })
    })

    test('that answers is measured like a disk', async () => {
      const told = await watch({ mounts: ['/mnt/nfs'] }, { disk: { freeGiB: 0 } }).tell('disk', 'inode')
      expect(told.step('disk')).toMatchObject({ outcome: 'ok', notes: [{ values: ['/mnt/nfs', {}, {}] }] })
    })

    test('that hangs is told after two seconds', async () => {
      await pretend('stat', 'exec sleep 30')
      const begun = performance.now()
      const told = await watch({ mounts: ['/mnt/nfs'] }).tell()
      expect(told.summaries('disk')).toEqual(['/mnt/nfs does not answer within 2 s'])
      expect(performance.now() - begun).toBeLessThan(3500)
    })
  })

  test('one disk in a container is told once', async () => {
    await proc.write(
      '1/mountinfo',
      `900 800 0:99 / / rw - overlay overlay rw,lowerdir=/a
901 900 254:0 /containers/1/hosts /etc/hosts rw - ext4 /dev/vda rw
`,
    )
    await mkdir(join(proc.path, 'etc'))
    await writeFile(join(proc.path, 'etc/hosts'), '')
    expect((await watch().tell('disk')).step('disk').notes).toHaveLength(1)
  })

  test('zombies and waiting processes hidden by the system are unknown', async () => {
    await proc.write('1/stat', '')
    const told = await watch().tell('zombies', 'dstate')
    expect([told.step('zombies').outcome, told.step('dstate').outcome]).toEqual(['unknown', 'unknown'])
  })
})
