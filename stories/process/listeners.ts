import { readdir, readFile, readlink } from 'node:fs/promises'
import { type ProcessStat, scanProcesses } from 'healthz'

/** The sockets that listen on a TCP port of any local address, by inode. */
export async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(readTable))
  return new Set(tables.flatMap((table) => parseListeners(table, port)))
}

/** Without IPv6 there is no table for it. */
async function readTable(name: string): Promise<string> {
  try {
    return await readFile(`/proc/net/${name}`, 'utf8')
  } catch {
    return ''
  }
}

const listening = '0A'

export function parseListeners(table: string, port: number): readonly string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    return state === listening && local.endsWith(wanted) && inode !== undefined ? [inode] : []
  })
}

export interface Owners {
  readonly owners: readonly ProcessStat[]
  /** Whether some processes could not be looked into. */
  readonly isPartial: boolean
}

/** The processes that hold one of these sockets; these first, and all others only where none of them does. */
export async function ownersOf(
  inodes: ReadonlySet<string>,
  first: readonly ProcessStat[] = [],
): Promise<Owners> {
  if (inodes.size === 0) return { owners: [], isPartial: false }
  const expected = await holders(inodes, first)
  return expected.owners.length > 0 ? expected : holders(inodes, await scanProcesses())
}

async function holders(inodes: ReadonlySet<string>, processes: readonly ProcessStat[]): Promise<Owners> {
  const owners: ProcessStat[] = []
  let isPartial = false
  for (const process of processes) {
    const held = await holds(process.pid, inodes)
    if (held === null) isPartial = true
    if (held) owners.push(process)
  }
  return { owners, isPartial }
}

/** Null where this user may not know. */
async function holds(pid: number, inodes: ReadonlySet<string>): Promise<boolean | null> {
  try {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(await linkOf(`/proc/${pid}/fd/${fd}`))?.[1]
      if (inode !== undefined && inodes.has(inode)) return true
    }
    return false
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return isGone ? false : null
  }
}

/** Empty where it was closed in the meantime. */
async function linkOf(path: string): Promise<string> {
  try {
    return await readlink(path)
  } catch {
    return ''
  }
}
