import { z } from 'healthz'
import type { Entered } from './api.ts'
import { masterWait } from './version.ts'

/** What the elected master thinks of the cluster and of each index. */
export interface ClusterHealth {
  readonly status: 'green' | 'yellow' | 'red'
  /** Whether it was asked for too long: its figures may be old. */
  readonly isLate: boolean
  readonly nodes: number
  readonly dataNodes: number
  readonly shards: {
    readonly active: number
    readonly unassigned: number
    readonly initializing: number
    readonly relocating: number
    /** Of the unassigned, those that wait for a node that left a moment ago. */
    readonly delayed: number
  }
  readonly tasks: { readonly pending: number; readonly longestWait: number }
  readonly indices: readonly IndexHealth[]
}

export interface IndexHealth {
  readonly name: string
  readonly status: 'green' | 'yellow' | 'red'
  readonly missingPrimaries: number
}

/** @throws CannotTell, ConnectionFailure */
export async function readHealth(
  { api, version }: Pick<Entered, 'api' | 'version'>,
  signal: AbortSignal,
): Promise<ClusterHealth> {
  const path = `/_cluster/health?level=indices&timeout=5s&${masterWait(version)}&filter_path=-indices.*.shards`
  const raw = await api.get(path, shape, signal)
  return {
    status: raw.status,
    isLate: raw.timed_out,
    nodes: raw.number_of_nodes,
    dataNodes: raw.number_of_data_nodes,
    shards: {
      active: raw.active_shards,
      unassigned: raw.unassigned_shards,
      initializing: raw.initializing_shards,
      relocating: raw.relocating_shards,
      delayed: raw.delayed_unassigned_shards,
    },
    tasks: { pending: raw.number_of_pending_tasks, longestWait: raw.task_max_waiting_in_queue_millis },
    indices: Object.entries(raw.indices ?? {}).map(([name, index]) => ({
      name,
      status: index.status,
      missingPrimaries: index.number_of_shards - index.active_primary_shards,
    })),
  }
}

const status = z.enum(['green', 'yellow', 'red'])

const shape = z.looseObject({
  status,
  timed_out: z.boolean(),
  number_of_nodes: z.number(),
  number_of_data_nodes: z.number(),
  active_shards: z.number(),
  unassigned_shards: z.number(),
  initializing_shards: z.number(),
  relocating_shards: z.number(),
  delayed_unassigned_shards: z.number(),
  number_of_pending_tasks: z.number(),
  task_max_waiting_in_queue_millis: z.number(),
  indices: z
    .record(
      z.string(),
      z.looseObject({ status, number_of_shards: z.number(), active_primary_shards: z.number() }),
    )
    .optional(),
})
