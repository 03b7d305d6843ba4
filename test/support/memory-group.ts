import { randomUUID } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { until } from './servers/until.ts'

/** A control group with a memory limit, for root where the kernel lets it make one. */
export interface MemoryGroup extends AsyncDisposable {
  /** Where a process writes its id to move in. */
  readonly procs: string
  add(pid: number): void
  limit(bytes: number): void
}

/** Removed on disposal, once its processes have ended. */
export function makeMemoryGroup(bytes: number): MemoryGroup {
  const isV1 = existsSync(v1)
  const dir = `${isV1 ? v1 : v2}/hz-test-${randomUUID().slice(0, 8)}`
  mkdirSync(dir)
  const limit = (most: number) =>
    writeFileSync(`${dir}/${isV1 ? 'memory.limit_in_bytes' : 'memory.max'}`, String(most))
  limit(bytes)
  const procs = `${dir}/cgroup.procs`
  return {
    procs,
    add: (pid) => writeFileSync(procs, String(pid)),
    limit,
    [Symbol.asyncDispose]: async () => {
      await until('the group is empty', () => readFileSync(procs, 'utf8') === '')
      await until('the group is removed', () => {
        rmdirSync(dir)
        return true
      })
    },
  }
}

const [v1, v2] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup']

/** For a suite that needs `makeMemoryGroup`: version 1, or version 2 with the memory controller handed down. */
export const mayLimitMemory = canLimitMemory()
  ? {}
  : { skip: true, meta: { leftOut: 'needs root on Linux, and a memory control group that it may write' } }

function canLimitMemory(): boolean {
  if (process.getuid?.() !== 0) return false
  if (existsSync(v1)) return isWritable(v1)
  return isWritable(v2) && readFileIfThere(`${v2}/cgroup.subtree_control`).includes('memory')
}

/** In most containers it is mounted read-only. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function readFileIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
