import type { RedisConnection } from 'healthz'

/** A node's own view of the replication. */
export interface Seen {
  readonly node: RedisConnection
  readonly address: string
  /** Names the process: a node may be configured under two addresses. */
  readonly run: string
  readonly isMaster: boolean
  /** What a replica shares with its master and no other. */
  readonly history: string
  /** The master that it is linked to, as it knows it. */
  readonly master: Master | null
  readonly followers: number
  readonly isCluster: boolean
  readonly isFailingOver: boolean
}

export interface Master {
  readonly host: string
  readonly port: number
}

/** How these nodes see themselves, each once. */
export async function lookAt(nodes: readonly RedisConnection[]): Promise<readonly Seen[]> {
  const all = await Promise.all(nodes.map(seenBy))
  return [...Map.groupBy(all, ({ run }) => run).values()].flatMap(([first]) => first ?? [])
}

/**
 * Of two masters the one that is certainly stale: no replica follows it, while one of the configured replicas follows
 * the other. Null where the nodes leave any doubt.
 */
export function staleOf(
  nodes: readonly Seen[],
): { readonly node: RedisConnection; readonly master: Master } | null {
  const masters = nodes.filter((node) => node.isMaster)
  const [stale, ...more] = masters.filter((node) => node.followers === 0)
  if (masters.length !== 2 || stale === undefined || more.length > 0) return null
  const leader = masters.find((node) => node !== stale)
  const master = nodes.find(({ history, master }) => master !== null && history === leader?.history)?.master
  if (master === undefined || master === null) return null
  // A replica on its master's own host may know it under an address that means another host elsewhere.
  const isUsable = !isLoopback(master.host) || isLoopback(stale.address)
  return isUsable ? { node: stale.node, master } : null
}

async function seenBy(node: RedisConnection): Promise<Seen> {
  const info = await node.info('replication', 'server', 'cluster')
  const isMaster = info.text('role') === 'master'
  const isLinked = info.textOr('master_link_status', '') === 'up'
  return {
    node,
    address: node.address,
    run: info.text('run_id'),
    isMaster,
    history: info.textOr('master_replid', ''),
    master: isLinked ? { host: info.text('master_host'), port: info.number('master_port') } : null,
    followers: info.numberOr('connected_slaves', 0),
    isCluster: info.textOr('cluster_enabled', '0') === '1',
    isFailingOver: info.textOr('master_failover_state', 'no-failover') !== 'no-failover',
  }
}

const isLoopback = (address: string) => /^(localhost|127\.|\[?::1)/.test(address)
