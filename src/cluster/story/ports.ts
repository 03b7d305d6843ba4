import type { ClusterRecords, ClusterTiming, ClusterView } from '../../core/cluster.ts'
import type { Plan } from '../../core/plan.ts'
import type { EntryRecord } from '../../core/store.ts'

/** What the cluster's own story asks. */
export interface ClusterStoryPorts {
  readonly view: () => ClusterView
  readonly records: () => Promise<ClusterRecords>
  /** All records of the store. */
  readonly entries: () => Promise<readonly EntryRecord[]>
  /** The node that tells an entry spread over the ring, by the entry's name; null: none holds its seat. */
  readonly ownerOf: (entry: string) => string | null
  /** The entries as they are configured, without the names of nodes. */
  readonly plan: Pick<Plan, 'entries' | 'cluster' | 'limits'>
  readonly timing: ClusterTiming
  /** How often the story is told, in milliseconds. */
  readonly every: number
}

export type Peer = ClusterRecords['members'][number]

export function activeOf({ members }: ClusterRecords): readonly Peer[] {
  return members.filter(({ state }) => state === 'active')
}

/** The wall time of Redis, by which it dates what it writes down, where this node knows how far its own is off. */
export function redisTime({ members }: ClusterRecords, { self }: ClusterView, now: number): number {
  return now + (members.find(({ name }) => name === self)?.vitals?.clockOffset ?? 0)
}
