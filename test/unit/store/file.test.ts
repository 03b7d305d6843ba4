import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { render } from '../../../src/core/text.ts'
import { borrowedStore, fileStore, StoreInUse } from '../../../src/store/open.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { alarm, commitOf } from '../../support/store/owed.ts'

describe('a store in a file', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hz-'))
    file = join(folder, 'new', 'healthz.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const owed = commitOf([{ alarm: alarm(), to: ['ops'], due: 0 }])

  it('is found again after a restart, and what was being sent is sent again', async () => {
    {
      await using store = fileStore(file, fakeClock())
      await store.commit(store.fence, owed)
      expect(await store.claim(store.fence, { channel: 'ops', at: 1e15, limit: 1 })).toHaveLength(1)
    }
    await using again = fileStore(file, fakeClock())
    expect(await again.entry('cache')).toEqual(owed.record)
    expect(await again.claim(again.fence, { channel: 'ops', at: 1e15, limit: 1 })).toMatchObject([
      { attempts: 2 },
    ])
  })

  it('is for one process at a time, and names the one that keeps it', async () => {
    await using store = fileStore(file, fakeClock())
    await store.commit(store.fence, owed)
    expect(() => fileStore(file, fakeClock())).toThrowError(new StoreInUse(file, process.pid))
    await using borrowed = borrowedStore(file)
    expect(await borrowed.entry('cache')).toEqual(owed.record)
    expect(await borrowed.alarms(10)).toEqual([])
  })

  it('is left where it is while another process keeps it, however damaged', async () => {
    await using _store = fileStore(file, fakeClock())
    writeFileSync(file, 'this is no database, and never was one'.repeat(100))
    expect(() => fileStore(file, fakeClock())).toThrowError(StoreInUse)
    expect(readdirSync(join(folder, 'new')).filter((name) => name.includes('.corrupt-'))).toEqual([])
  })

  it.each([
    [
      'garbage',
      () => writeFileSync(join(folder, 'healthz.db'), 'this is no database, and never was one'.repeat(100)),
    ],
    ['a page overwritten', () => damage(join(folder, 'healthz.db'))],
  ])('that holds %s is set aside, told of, and begun anew', async (_, spoil) => {
    file = join(folder, 'healthz.db')
    await spoil()
    await using store = fileStore(file, fakeClock())
    expect(
      readdirSync(folder).filter((name) => name.includes('.corrupt-') && name.endsWith('Z')),
    ).toHaveLength(1)
    expect(render(store.trouble()?.text ?? '')).toContain('was damaged and begun anew')
    await store.commit(store.fence, owed)
    expect(await store.entry('cache')).toEqual(owed.record)
  })

  it('goes on in memory on a full disk, loses nothing, and comes back by itself', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('mounting a small disk takes root')
    const disk = join(folder, 'disk')
    execFileSync('mkdir', [disk])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk])
    try {
      const clock = fakeClock()
      const path = join(disk, 'healthz.db')
      {
        await using store = fileStore(path, clock)
        await store.commit(
          store.fence,
          commitOf([{ alarm: alarm('raised', { key: 'early' }), to: ['ops'], due: 0 }]),
        )
        fill(join(disk, 'ballast'))
        const many = Array.from({ length: 200 }, (_, index) => ({
          alarm: alarm('raised', { key: `k${index}`, advice: 'x'.repeat(500) }),
          to: ['ops'],
          due: 0,
        }))
        await store.commit(store.fence, commitOf(many))
        expect(render(store.trouble()?.text ?? '')).toContain('is full')
        expect(await store.alarms(1000)).toHaveLength(201)
        execFileSync('mount', ['-o', 'remount,size=20m', disk])
        rmSync(join(disk, 'ballast'))
        await clock.advance(11_000)
        await store.commit(store.fence, owed)
        expect(store.trouble()).toBeNull()
      }
      await using again = fileStore(path, clock)
      expect(await again.alarms(1000)).toHaveLength(202)
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('that is on a full disk at the start is read, kept in memory, and written when there is room', async ({
    skip,
  }) => {
    if (process.getuid?.() !== 0) skip('mounting a small disk takes root')
    const disk = join(folder, 'disk')
    execFileSync('mkdir', [disk])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk])
    try {
      const clock = fakeClock()
      const path = join(disk, 'healthz.db')
      {
        await using store = fileStore(path, clock)
        await store.commit(store.fence, owed)
      }
      fill(join(disk, 'ballast'))
      await using store = fileStore(path, clock)
      expect(render(store.trouble()?.text ?? '')).toContain('is full')
      expect(await store.entry('cache')).toEqual(owed.record)
      expect(await store.alarms(10)).toHaveLength(1)
      rmSync(join(disk, 'ballast'))
      await clock.advance(11_000)
      await store.entry('cache')
      expect(store.trouble()).toBeNull()
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('that cannot be read when it fails is set aside, never written over, though it may be sound again', async () => {
    const clock = fakeClock()
    const early = Array.from({ length: 3000 }, (_, index) => ({
      alarm: alarm('raised', { key: `k${index}`, advice: 'x'.repeat(2000) }),
      to: ['ops'],
      due: 0,
    }))
    {
      await using store = fileStore(file, clock)
      await store.commit(store.fence, commitOf(early))
    }
    const sound = readFileSync(file)
    await using store = fileStore(file, clock)
    truncateSync(file, 8192)
    await store.commit(store.fence, owed)
    expect(store.trouble()?.isWritable).toBe(false)
    writeFileSync(file, sound)
    await clock.advance(11_000)
    expect(await store.alarms(5000)).toHaveLength(1)
    expect(render(store.trouble()?.text ?? '')).toContain('was set aside')
    const aside = readdirSync(dirname(file)).find((name) => name.includes('.corrupt-') && name.endsWith('Z'))
    await using kept = borrowedStore(join(dirname(file), aside ?? ''))
    expect(Object.keys((await kept.entry('cache'))?.state.problems ?? {})).toHaveLength(3000)
  })
})

async function damage(file: string): Promise<void> {
  {
    await using store = fileStore(file, fakeClock())
    const many = Array.from({ length: 100 }, (_, index) => ({
      alarm: alarm('raised', { key: `k${index}` }),
      to: ['ops'],
      due: 0,
    }))
    await store.commit(store.fence, commitOf(many))
  }
  const { openSync, writeSync, closeSync } = await import('node:fs')
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(20_000, 0x5a), 0, 20_000, 4096)
  closeSync(handle)
}

function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(1_000_000))
  } catch {
    // The disk is full now, which is what was wanted.
  }
}
