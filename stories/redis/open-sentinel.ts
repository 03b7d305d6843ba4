import {
  ConnectionFailure,
  findMaster,
  LazyRedis,
  type RedisConnection,
  reachAll,
  reachSentinel,
  reachServer,
  serverAt,
} from 'healthz'
import type { RedisOptions } from './options.ts'
import { placeOf } from './place.ts'
import { readReplicas } from './sentinel-view.ts'
import type { RedisTarget } from './target.ts'

/**
 * The master that the sentinels name, and the replicas that the sentinels know. Where that master
 * cannot be reached, the sentinels can still be asked.
 * @throws ConnectionFailure where no sentinel answers, or none knows the master.
 */
export async function openWithSentinels(options: RedisOptions, signal: AbortSignal): Promise<RedisTarget> {
  using opening = new DisposableStack()
  const place = placeOf(options)
  const sentinels = options.sentinels.map((url) =>
    opening.use(new LazyRedis((closing) => reachSentinel(url, place, closing))),
  )
  const named = await findMaster(sentinels, options.master, signal)
  // All servers are spoken to as the sentinels are: with TLS or without.
  const nodeAt = (address: string) => {
    const server = options.sentinels[0] && serverAt(address, options.sentinels[0], options.database)
    return new LazyRedis(async (closing) => {
      if (!server) throw new ConnectionFailure('dns', address)
      return reachServer(server, place, closing)
    })
  }
  const found = await opening.use(nodeAt(named)).reach()
  const master = found instanceof ConnectionFailure ? null : found
  const replicas = new Map<string, LazyRedis>()
  const owned = opening.move()
  return {
    node: master ?? lostNode(found as ConnectionFailure),
    async nodes() {
      const { reached } = await reachAll(sentinels)
      for (const address of await replicasOf(reached, options.master)) {
        if (address !== named && !replicas.has(address)) replicas.set(address, owned.use(nodeAt(address)))
      }
      const others = await reachAll([...replicas.values()])
      return {
        reached: master === null ? others.reached : [master, ...others.reached],
        unreached: [],
        strayed: found instanceof ConnectionFailure ? [found, ...others.unreached] : others.unreached,
      }
    },
    sentinels: () => reachAll(sentinels),
    async holderOf() {
      if (master === null) throw found
      return master
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** `host:port` of the replicas that any of these sentinels knows; none where they may not be asked. */
async function replicasOf(sentinels: readonly RedisConnection[], name: string): Promise<ReadonlySet<string>> {
  const lists = await Promise.allSettled(sentinels.map((sentinel) => readReplicas(sentinel, name)))
  return new Set(
    lists.flatMap((list) => (list.status === 'fulfilled' ? list.value.map(({ address }) => address) : [])),
  )
}

/** Stands for a server that could not be reached: whatever it is asked fails with the reason. */
function lostNode(failure: ConnectionFailure): RedisConnection {
  const refuse = () => Promise.reject(failure)
  const { address } = failure
  return { address, url: new URL(`redis://${address}`), call: refuse, info: refuse, [Symbol.dispose]() {} }
}
