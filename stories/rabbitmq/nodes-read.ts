import { z } from 'healthz'
import type { Management } from './management.ts'

/** A node of the cluster. What it does not say, such as right after its start, is null. */
export interface Node {
  readonly name: string
  readonly isRunning: boolean
  /** In maintenance; null where the version does not tell (before 3.11). */
  readonly isDrained: boolean | null
  /** The nodes it has lost sight of. */
  readonly partitions: readonly string[]
  /** Milliseconds since its start. */
  readonly uptime: number | null
  readonly memory: Use
  readonly files: Use
  readonly sockets: Use
  readonly processes: Use
  /** Bytes free, and those that must stay free. */
  readonly disk: { readonly free: number | null; readonly limit: number | null }
}

export interface Use {
  readonly used: number | null
  readonly limit: number | null
}

/** @throws CannotTell */
export async function readNodes(api: Management, signal: AbortSignal): Promise<readonly Node[]> {
  const rows = await api.get(`/api/nodes?columns=${Object.keys(row.shape)}`, z.array(row), signal)
  return rows.map((raw) => ({
    name: raw.name,
    isRunning: raw.running,
    isDrained: raw.being_drained ?? null,
    partitions: raw.partitions ?? [],
    uptime: raw.uptime,
    memory: { used: raw.mem_used, limit: raw.mem_limit },
    files: { used: raw.fd_used, limit: raw.fd_total },
    sockets: { used: raw.sockets_used, limit: raw.sockets_total },
    processes: { used: raw.proc_used, limit: raw.proc_total },
    disk: { free: raw.disk_free, limit: raw.disk_free_limit },
  }))
}

/** A word stands where the system cannot measure, such as `disk_free_monitoring_disabled`. */
const figure = () => z.number().nullable().catch(null)

const row = z.looseObject({
  name: z.string(),
  running: z.boolean(),
  being_drained: z.boolean().nullish(),
  partitions: z.array(z.string()).nullish(),
  uptime: figure(),
  mem_used: figure(),
  mem_limit: figure(),
  fd_used: figure(),
  fd_total: figure(),
  sockets_used: figure(),
  sockets_total: figure(),
  proc_used: figure(),
  proc_total: figure(),
  disk_free: figure(),
  disk_free_limit: figure(),
})
