import { ConnectionFailure } from '../../core/failure.ts'
import { slotOf } from '../../core/redis-slot.ts'
import { shareInFlight } from '../in-flight.ts'
import { type ClusterNode, holderOfSlot, readClusterNodes } from './cluster-nodes.ts'
import type { RedisConnection } from './connection.ts'
import { givenUpWith, LazyRedis, mostTelling, reachAll } from './lazy.ts'
import { type RedisPlace, reachServer, serverAt } from './place.ts'

/** A Redis Cluster, reached by one of its nodes. */
export interface RedisCluster extends Disposable {
  /** The first configured node that answered. */
  readonly node: RedisConnection
  /** The configured nodes, whether they answer or not. */
  readonly configured: readonly LazyRedis[]
  /** A node by the address that the cluster announces, which a configured one may have too; null where it is none. */
  at(address: string): LazyRedis | null
  /** All nodes, as the first knows them. @throws CannotTell where it is no part of a cluster, ConnectionFailure */
  map(): Promise<readonly ClusterNode[]>
  /** The node that serves the slot of a key; null where none does. @throws as `map` */
  holderOf(key: string): Promise<RedisConnection | null>
}

/** @throws ConnectionFailure where none of the configured nodes answers. */
export async function openRedisCluster(place: RedisPlace, signal: AbortSignal): Promise<RedisCluster> {
  const { url, replicas = [] } = place
  if (url === undefined) throw new TypeError('a cluster without a URL')
  using opening = new DisposableStack()
  const known = new Map<string, LazyRedis>()
  const configured = [url, ...replicas].map((server) => {
    const lazy = opening.use(new LazyRedis((closing) => reachServer(server, place, closing)))
    known.set(server.url.host, lazy)
    return lazy
  })
  const { reached, unreached } = await givenUpWith(signal, configured, () => reachAll(configured))
  const [node] = reached
  if (node === undefined) throw mostTelling(unreached)

  const owned = opening.move()
  const at = (address: string): LazyRedis | null => {
    const server = known.get(address) ?? serverAt(address, url)
    if (server === null || server instanceof LazyRedis) return server
    const other = owned.use(new LazyRedis((closing) => reachServer(server, place, closing)))
    known.set(address, other)
    return other
  }
  const map = shareInFlight(() => readClusterNodes(node))
  return {
    node,
    configured,
    at,
    map,
    async holderOf(key) {
      const address = holderOfSlot(await map(), slotOf(key))
      const found = address === null ? null : await at(address)?.reach()
      if (found instanceof ConnectionFailure) throw found
      return found ?? null
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}
