import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryGroupOf, memoryGroupOfContainer, parseCpuMax } from '../../../src/clients/cgroup.ts'
import { type RecordedProc, recordProc } from '../../support/recorded-proc.ts'

let recorded: RecordedProc
beforeEach(async () => {
  recorded = await recordProc()
})
afterEach(() => recorded[Symbol.asyncDispose]())

const groupOf = (pid: number) =>
  memoryGroupOf(pid, { proc: recorded.path, cgroup: `${recorded.path}/cgroup` })

async function record(files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) await recorded.write(file, text)
}

const v2 = (dir: string, max: string) => ({
  [`cgroup${dir}/memory.max`]: `${max}\n`,
  [`cgroup${dir}/memory.current`]: '900\n',
  [`cgroup${dir}/memory.stat`]: 'anon 500\nfile 400\ninactive_file 300\n',
  [`cgroup${dir}/memory.events`]: 'low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\n',
})

describe('version 2', () => {
  test('leaves out the file cache that goes first', async () => {
    await record({ '7/cgroup': '0::/system.slice/web.service\n', ...v2('/system.slice/web.service', '1000') })
    expect(await groupOf(7)).toEqual({ used: 600, limit: 1000, oomKills: 2 })
  })

  test('without a limit is nothing to watch', async () => {
    await record({ '7/cgroup': '0::/user.slice\n', ...v2('/user.slice', 'max') })
    expect(await groupOf(7)).toBeNull()
  })

  test('in a container is the mount itself, whatever the path', async () => {
    await record({ '7/cgroup': '0::/docker/1234\n', ...v2('', '1000') })
    expect(await groupOf(7)).toEqual({ used: 600, limit: 1000, oomKills: 2 })
    expect(await memoryGroupOfContainer(`${recorded.path}/cgroup`)).toEqual(await groupOf(7))
  })

  test('on a host of its own the container is none', async () => {
    await record(v2('/user.slice', '1000'))
    expect(await memoryGroupOfContainer(`${recorded.path}/cgroup`)).toBeNull()
  })
})

describe('version 1', () => {
  const v1 = (limit: string) => ({
    '7/cgroup': '9:name=systemd:/\n4:memory:/web\n0::/\n',
    'cgroup/memory/web/memory.limit_in_bytes': `${limit}\n`,
    'cgroup/memory/web/memory.usage_in_bytes': '900\n',
    'cgroup/memory/web/memory.stat': 'cache 400\ntotal_inactive_file 300\n',
    'cgroup/memory/web/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  })

  test('is read alike', async () => {
    await record(v1('1000'))
    expect(await groupOf(7)).toEqual({ used: 600, limit: 1000, oomKills: 1 })
  })

  test('writes no limit as a very large one', async () => {
    await record(v1('9223372036854771712'))
    expect(await groupOf(7)).toBeNull()
  })
})

test('without control groups there is nothing to watch', async () => {
  expect(await groupOf(7)).toBeNull()
  expect(await memoryGroupOfContainer(`${recorded.path}/cgroup`)).toBeNull()
})

test.each([
  ['200000 100000\n', 2],
  ['50000 100000\n', 0.5],
  ['max 100000\n', null],
  ['', null],
])('parseCpuMax %j is %j', (text, limit) => {
  expect(parseCpuMax(text)).toBe(limit)
})
