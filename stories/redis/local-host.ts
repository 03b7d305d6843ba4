import { readFile } from 'node:fs/promises'
import { memoryGroupOf, type RedisInfo, readProcess } from 'healthz'

/** Bytes that the container or unit of a server on this host may use; null where it has no limit or is elsewhere. */
export async function containerLimit(address: string, info: RedisInfo): Promise<number | null> {
  const pid = localPid(address, info, '/proc')
  return pid === null ? null : ((await memoryGroupOf(pid))?.limit ?? null)
}

/** Bytes that this host has left for more processes, where the server runs on it; null otherwise. */
export async function memoryLeft(address: string, info: RedisInfo, proc = '/proc'): Promise<number | null> {
  if (localPid(address, info, proc) === null) return null
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile(`${proc}/meminfo`, 'utf8'))?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}

/** A forwarded port is not told from a local one by its address, so the process must be there too. */
function localPid(address: string, info: RedisInfo, proc: string): number | null {
  if (!/^(localhost|127\.[\d.]+|\[::1\]):\d+$/.test(address)) return null
  const pid = info.numberOr('process_id', 0)
  return /redis|valkey/.test(readProcess(pid, proc)?.comm ?? '') ? pid : null
}
