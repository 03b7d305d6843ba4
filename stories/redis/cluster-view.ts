import { askCluster, type ClusterNode, type RedisConnection, RedisInfo, readClusterNodes } from 'healthz'

export const allSlots = 16_384

/** What one node makes of its cluster. */
export interface ClusterView {
  readonly address: string
  readonly isServing: boolean
  /** Slots that a node answers for which is not taken for dead. */
  readonly served: number
  readonly nodes: readonly ClusterNode[]
}

/** @throws ConnectionFailure; CannotTell where the server is no part of a cluster. */
export async function lookInto(node: RedisConnection): Promise<ClusterView> {
  const [info, nodes] = await Promise.all([askCluster(node, 'INFO'), readClusterNodes(node)])
  const figures = new RedisInfo(info)
  return {
    address: node.address,
    isServing: figures.text('cluster_state') === 'ok',
    served: figures.number('cluster_slots_assigned') - figures.number('cluster_slots_fail'),
    nodes,
  }
}
