import { readFile } from 'node:fs/promises'

/** What a control group uses of its memory limit, in bytes. */
export interface MemoryGroup {
  /** Without the file cache that the kernel drops first: a group full of cache is not short of memory. */
  readonly used: number
  readonly limit: number
  /** How many of its processes were killed for lack of memory since it was made; null where it does not say. */
  readonly oomKills: number | null
}

const mountPoint = '/sys/fs/cgroup'

/** The memory group that a process runs in; null where it has no limit, or there are no control groups. */
export async function memoryGroupOf(
  pid: number,
  { proc, cgroup } = { proc: '/proc', cgroup: mountPoint },
): Promise<MemoryGroup | null> {
  const groups = await readText(`${proc}/${pid}/cgroup`)
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups ?? '')?.[1]
  if (v1 !== undefined) return readV1(`${cgroup}/memory`, v1)
  const v2 = /^0::(.*)$/m.exec(groups ?? '')?.[1]
  return v2 === undefined ? null : readV2(cgroup, v2)
}

/** The limit that a container has as a whole; null on a host of its own. */
export async function memoryGroupOfContainer(cgroup = mountPoint): Promise<MemoryGroup | null> {
  return (await readV2(cgroup, '/')) ?? (await readV1(`${cgroup}/memory`, '/'))
}

/** How many processors' worth of time a container may use; null on a host of its own, or without a limit. */
export async function cpuLimitOfContainer(): Promise<number | null> {
  return parseCpuMax((await readText(`${mountPoint}/cpu.max`)) ?? '')
}

/** What the processes of a container wait for (`cpu`, `io` or `memory`), as the kernel says it. */
export function pressureOfContainer(of: string): Promise<string | null> {
  return readText(`${mountPoint}/${of}.pressure`)
}

export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(' ').map(Number)
  if (quota === undefined || period === undefined) return null
  return Number.isFinite(quota) && period > 0 ? quota / period : null
}

/** Version 1 writes "no limit" as the largest multiple of a page. */
const unlimited = 2 ** 60

async function readV2(root: string, path: string): Promise<MemoryGroup | null> {
  const group = await readGroup(root, path, ['memory.max', 'memory.current', 'memory.stat', 'memory.events'])
  if (group === null) return null
  const [max, current, stat, events] = group
  const limit = Number(max)
  if (!Number.isFinite(limit)) return null
  return asGroup(limit, Number(current), figure(stat, 'inactive_file'), figure(events, 'oom_kill'))
}

async function readV1(root: string, path: string): Promise<MemoryGroup | null> {
  const files = [
    'memory.limit_in_bytes',
    'memory.usage_in_bytes',
    'memory.stat',
    'memory.oom_control',
  ] as const
  const group = await readGroup(root, path, files)
  if (group === null) return null
  const [max, current, stat, control] = group
  const limit = Number(max)
  if (!(limit < unlimited)) return null
  return asGroup(limit, Number(current), figure(stat, 'total_inactive_file'), figure(control, 'oom_kill'))
}

function asGroup(limit: number, current: number, cache: number | null, oomKills: number | null): MemoryGroup {
  return { limit, used: Math.max(0, current - (cache ?? 0)), oomKills }
}

type Four = readonly [string, string, string, string]

/** In a container the path is that on the host while the mount holds the container's own group: then that is read. */
async function readGroup(root: string, path: string, files: Four): Promise<Four | null> {
  for (const dir of new Set([`${root}${path}`, root])) {
    const limit = await readText(`${dir}/${files[0]}`)
    if (limit === null) continue
    const [current, stat, control] = await Promise.all(
      [files[1], files[2], files[3]].map(async (file) => (await readText(`${dir}/${file}`)) ?? ''),
    )
    return [limit, current ?? '', stat ?? '', control ?? '']
  }
  return null
}

function figure(text: string, name: string): number | null {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value)
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    // Not there: another version of control groups, no limit of this kind, or none at all.
    return null
  }
}
