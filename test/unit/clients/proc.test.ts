import { describe, expect, test } from 'vitest'
import { isWholeScan, parseStat, readProcess, scanProcesses, startedAt } from '../../../src/clients/proc.ts'
import {
  descriptorUse,
  memoryUse,
  parseDescriptorLimit,
  parseMemoryUse,
} from '../../../src/clients/process-use.ts'
import { describeWith, linux } from '../../support/needs.ts'

const line =
  '4242 (tmux: server (1)) S 1 4240 4239 0 -1 4194560 46528 1792886 0 834 146 405 3119 1815 10 -10 13 0 2457 53624832 5141 18446744073709551615'

describe('parseStat', () => {
  test('finds its way past a name with spaces and parentheses', () => {
    expect(parseStat(line)).toEqual({
      pid: 4242,
      comm: 'tmux: server (1)',
      state: 'S',
      parent: 1,
      session: 4239,
      startTicks: 2457,
    })
  })

  test.each(['', '4242', '4242 (x)', '4242 (x) Z 1'])('gives nothing for %j', (text) => {
    expect(parseStat(text)).toBeNull()
  })
})

test('parseDescriptorLimit reads the soft limit', () => {
  const limits = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            1024                 524288               files
`
  expect(parseDescriptorLimit(limits)).toBe(1024)
  expect(parseDescriptorLimit(limits.replace('1024  ', 'unlimited'))).toBeNull()
})

test('parseMemoryUse reads resident and swapped memory, and nothing of a kernel thread', () => {
  expect(parseMemoryUse('VmHWM:\t    2000 kB\nVmRSS:\t    1752 kB\nVmSwap:\t       8 kB\n')).toEqual({
    resident: 1752 * 1024,
    swapped: 8 * 1024,
  })
  expect(parseMemoryUse('Name:\tkthreadd\nThreads:\t1\n')).toBeNull()
})

describeWith([linux], 'this process', () => {
  test('is found by a scan that sees all', async () => {
    const processes = await scanProcesses()
    expect(isWholeScan(processes)).toBe(true)
    expect(processes.find(({ pid }) => pid === process.pid)).toMatchObject({ parent: process.ppid })
  })

  test('started when it says it did', async () => {
    const own = readProcess(process.pid)
    expect(own).not.toBeNull()
    const age = Date.now() - (await startedAt(own ?? expect.fail()))
    expect(Math.abs(age - process.uptime() * 1000)).toBeLessThan(3000)
  })

  test('tells its memory and file descriptors', async () => {
    expect((await memoryUse(process.pid))?.resident).toBeGreaterThan(10e6)
    expect(await descriptorUse(process.pid)).toMatchObject({ open: expect.any(Number) })
  })

  test('a process that has ended is gone', async () => {
    const none = 4_194_305
    expect(readProcess(none)).toBeNull()
    expect(await memoryUse(none)).toBeNull()
    expect(await descriptorUse(none)).toBe('gone')
  })
})
