import { connectLink } from '../cluster/redis/link.ts'
import { prefixOf, readRecords } from '../cluster/scripts/scripts.ts'
import type { ClusterPlan } from '../core/cluster.ts'
import { CoordinatorLost, type RedisLink } from '../core/redis-link.ts'
import type { EntryRecord } from '../core/store.ts'
import { redisReader } from '../store/redis.ts'

/** What a single run finds of the cluster that its configuration names. */
export type Company =
  /** Nobody is a member: whoever runs now has nobody beside it. */
  | { readonly type: 'nobody' }
  | { readonly type: 'cluster'; readonly leader: string | null; readonly records: readonly EntryRecord[] }
  /** Redis does not say. */
  | { readonly type: 'lost'; readonly error: CoordinatorLost }

/** Looks who keeps watch in the cluster, and what it has told. Leaves no mark. */
export async function companyIn(cluster: ClusterPlan): Promise<Company> {
  await using link = askingLink(cluster)
  try {
    const { members, leader } = await readRecords(link, cluster.name, cluster.forgetAfter)
    if (members.length === 0) return { type: 'nobody' }
    const records = await redisReader(link, prefixOf(cluster.name)).entries()
    return { type: 'cluster', leader: leader?.name ?? null, records }
  } catch (error) {
    if (error instanceof CoordinatorLost) return { type: 'lost', error }
    throw error
  }
}

/** A connection to the coordinating Redis for a command, with the patience of a person. */
export function askingLink({ name, redis }: ClusterPlan): RedisLink {
  return connectLink(redis, {
    name: 'store',
    commandTimeout: 3000,
    connectTimeout: 2000,
    slotKey: prefixOf(name),
  })
}
