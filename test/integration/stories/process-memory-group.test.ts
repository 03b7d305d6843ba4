import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryGroupOf } from 'healthz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import story from '../../../stories/process/index.ts'
import { makeMemoryGroup, mayLimitMemory } from '../../support/memory-group.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'
import { startVictim } from '../../support/victim.ts'

const mebibyte = 1_048_576

describe('the memory group of a process', mayLimitMemory, () => {
  let dir: TempDir
  beforeAll(async () => {
    dir = await makeTempDir()
  })
  afterAll(() => dir[Symbol.asyncDispose]())

  async function watch(pid: number) {
    const path = join(dir.path, `${pid}.pid`)
    await writeFile(path, String(pid))
    return teller(story, { pidfile: path }, { memory: {} })
  }

  test('that is nearly full is told', async () => {
    await using group = makeMemoryGroup(500 * mebibyte)
    await using victim = await startVictim(
      'sh',
      '-c',
      `echo $$ >${group.procs}; exec ${process.execPath} -e 'globalThis.kept = Buffer.alloc(60e6, 1); setInterval(() => {}, 1000)'`,
    )
    let before = 0
    let steady = 0
    const used = await until('it has filled its memory and takes no more', async () => {
      const now = (await memoryGroupOf(victim.pid))?.used ?? 0
      steady = now > 66e6 && Math.abs(now - before) < 0.005 * now ? steady + 1 : 0
      before = now
      return steady >= 20 && now
    })
    const watched = await watch(victim.pid)
    expect((await watched.tell('memory')).step('memory').outcome).toBe('ok')
    group.limit(Math.round(used * 1.04))
    const told = await watched.tell('memory')
    expect(told.summaries('memory')).toEqual([
      expect.stringMatching(/^the memory group of .* is 9\d % full \(.* MiB of .* MiB, limit 90 %\)$/),
    ])
  })

  test('in which the kernel killed a process is told for a while', async () => {
    await using group = makeMemoryGroup(30 * mebibyte)
    await using victim = await startVictim('sleep', '1000')
    group.add(victim.pid)
    const watched = await watch(victim.pid)
    expect((await watched.tell('memory')).step('memory').outcome).toBe('ok')
    await using _hog = await startVictim('sh', '-c', `echo $$ >${group.procs}; exec tail /dev/zero`)
    await until('it was killed and its memory is free', async () => {
      const now = await memoryGroupOf(victim.pid)
      return (now?.oomKills ?? 0) > 0 && (now?.used ?? 0) < 10 * mebibyte
    })
    const told = await watched.tell('memory')
    expect(told.step('memory').findings).toMatchObject([
      { key: 'killed', severity: 'critical', evidence: { kills: 1 } },
    ])
    expect((await watched.tell('memory')).step('memory').outcome).toBe('problem')
    const sample = watched.samples['memory']?.value as { kills: { count: number } }
    watched.samples = {
      memory: {
        at: Date.now(),
        value: { ...sample, kills: { count: sample.kills.count, roseAt: Date.now() - 1_000_000 } },
      },
    }
    expect((await watched.tell('memory')).step('memory').outcome).toBe('ok')
  })
})
