import { readdir, readFile } from 'node:fs/promises'

/** Open file descriptors of a process, and how many it may open. */
export interface DescriptorUse {
  readonly open: number
  /** The soft limit; null where it is unlimited. */
  readonly limit: number | null
}

/** `hidden` where the process belongs to another user, `gone` where it has ended. */
export async function descriptorUse(pid: number): Promise<DescriptorUse | 'hidden' | 'gone'> {
  try {
    const [limits, open] = await Promise.all([
      readFile(`/proc/${pid}/limits`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
    ])
    return { open: open.length, limit: parseDescriptorLimit(limits) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EACCES' || code === 'EPERM') return 'hidden'
    if (code === 'ENOENT' || code === 'ESRCH') return 'gone'
    throw error
  }
}

export function parseDescriptorLimit(limits: string): number | null {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  return soft === undefined || soft === 'unlimited' ? null : Number(soft)
}

/** Memory of a process, in bytes. */
export interface MemoryUse {
  readonly resident: number
  readonly swapped: number
}

/** Null for a kernel thread and a zombie, which have no memory, and where the process has ended. */
export async function memoryUse(pid: number, proc = '/proc'): Promise<MemoryUse | null> {
  try {
    return parseMemoryUse(await readFile(`${proc}/${pid}/status`, 'utf8'))
  } catch {
    // Any user may read it: the process has ended in the meantime.
    return null
  }
}

export function parseMemoryUse(status: string): MemoryUse | null {
  const [resident, swapped] = [kib(status, 'VmRSS'), kib(status, 'VmSwap')]
  return resident === null ? null : { resident, swapped: swapped ?? 0 }
}

function kib(status: string, name: string): number | null {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  return value === undefined ? null : Number(value) * 1024
}
