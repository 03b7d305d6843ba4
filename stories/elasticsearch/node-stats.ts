import { z } from 'healthz'
import type { Api } from './api.ts'

/** What the nodes of the cluster tell of themselves. */
export interface NodeStats {
  readonly nodes: readonly Node[]
  /** Nodes that belong to the cluster and did not answer the others in time. */
  readonly silent: number
}

/** What a node does not say is null. */
export interface Node {
  readonly id: string
  readonly name: string
  readonly holdsData: boolean
  /** Holds nothing but what can be read again from snapshots; it has watermarks and a limit of shards of its own. */
  readonly isFrozen: boolean
  /** Milliseconds since its start. */
  readonly uptime: number | null
  readonly heapUsedPct: number | null
  /** Milliseconds that collecting old garbage has taken since its start. */
  readonly oldGc: number | null
  /** Requests refused since its start, by pool of threads. */
  readonly rejected: Readonly<Record<string, number>>
  /** How often each circuit breaker has opened since its start. */
  readonly tripped: Readonly<Record<string, number>>
  readonly disks: readonly Disk[]
}

export interface Disk {
  readonly free: number
  readonly total: number
}

/** @throws CannotTell, ConnectionFailure */
export async function readNodeStats(api: Api, signal: AbortSignal): Promise<NodeStats> {
  const raw = await api.get(path, shape, signal)
  const nodes = Object.entries(raw.nodes ?? {}).map(([id, node]) => nodeOf(id, node))
  return { nodes, silent: raw._nodes.failed }
}

function nodeOf(id: string, { name, roles, jvm, thread_pool, breakers, fs }: z.output<typeof row>): Node {
  const tiers = roles?.filter((role) => role === 'data' || role.startsWith('data_'))
  const paths = fs?.data?.length ? fs.data : fs?.total ? [fs.total] : []
  return {
    id,
    name,
    holdsData: tiers === undefined || tiers.length > 0,
    isFrozen: tiers?.join() === 'data_frozen',
    uptime: jvm?.uptime_in_millis ?? null,
    heapUsedPct: jvm?.mem?.heap_used_percent ?? null,
    oldGc: jvm?.gc?.collectors?.old?.collection_time_in_millis ?? null,
    rejected: mapValues(thread_pool, ({ rejected }) => rejected),
    tripped: mapValues(breakers, ({ tripped }) => tripped),
    disks: paths.flatMap(({ available_in_bytes: free, total_in_bytes: total }) =>
      free === undefined || total === undefined || total <= 0 ? [] : { free, total },
    ),
  }
}

function mapValues<T>(
  record: Readonly<Record<string, T>> | undefined,
  figureOf: (item: T) => number | undefined,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(record ?? {}).flatMap(([name, item]) => {
      const value = figureOf(item)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** The timeout is that of one node for another: one that hangs does not keep the rest from being told. */
const path = `/_nodes/stats/fs,jvm,thread_pool,breaker?timeout=4s&filter_path=${[
  '_nodes',
  'nodes.*.name',
  'nodes.*.roles',
  'nodes.*.jvm.uptime_in_millis',
  'nodes.*.jvm.mem.heap_used_percent',
  'nodes.*.jvm.gc.collectors.old',
  'nodes.*.thread_pool.write.rejected',
  'nodes.*.thread_pool.search.rejected',
  'nodes.*.breakers.*.tripped',
  'nodes.*.fs.total',
  'nodes.*.fs.data',
]}`

const space = z.looseObject({
  available_in_bytes: z.number().optional(),
  total_in_bytes: z.number().optional(),
})

const row = z.looseObject({
  name: z.string(),
  roles: z.array(z.string()).optional(),
  jvm: z
    .looseObject({
      uptime_in_millis: z.number().optional(),
      mem: z.looseObject({ heap_used_percent: z.number().optional() }).optional(),
      gc: z
        .looseObject({
          collectors: z
            .looseObject({
              old: z.looseObject({ collection_time_in_millis: z.number().optional() }).optional(),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  thread_pool: z.record(z.string(), z.looseObject({ rejected: z.number().optional() })).optional(),
  breakers: z.record(z.string(), z.looseObject({ tripped: z.number().optional() })).optional(),
  fs: z.looseObject({ total: space.optional(), data: z.array(space).optional() }).optional(),
})

const shape = z.looseObject({
  _nodes: z.looseObject({ failed: z.number() }),
  nodes: z.record(z.string(), row).optional(),
})
