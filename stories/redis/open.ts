import {
  LazyRedis,
  type OpenContext,
  type RedisConnection,
  reachAll,
  reachServer,
  type ServerUrl,
} from 'healthz'
import { openCluster } from './open-cluster.ts'
import { openWithSentinels } from './open-sentinel.ts'
import type { RedisOptions } from './options.ts'
import { placeOf } from './place.ts'
import type { RedisTarget } from './target.ts'

/** @throws ConnectionFailure where there is nobody to ask. */
export function openRedis({ options, signal }: OpenContext<RedisOptions>): Promise<RedisTarget> {
  const { mode, url } = options
  // The options see to it that only sentinels do without a URL.
  if (mode === 'sentinel' || url === undefined) return openWithSentinels(options, signal)
  return mode === 'cluster' ? openCluster(options, signal) : openAlone(url, options, signal)
}

/** One server, with the other nodes that are configured beside it. */
async function openAlone(url: ServerUrl, options: RedisOptions, signal: AbortSignal): Promise<RedisTarget> {
  const place = placeOf(options)
  const node = await reachServer(url, place, signal)
  const others = options.replicas
    .filter((other) => other.url.host !== url.url.host)
    .map((other) => new LazyRedis((closing) => reachServer(other, place, closing)))
  return {
    node,
    async nodes() {
      const { reached, unreached } = await reachAll(others)
      return { reached: [node, ...reached], unreached, strayed: [] }
    },
    sentinels: async () => ({ reached: [], unreached: [] }),
    holderOf: async (): Promise<RedisConnection> => node,
    [Symbol.dispose]() {
      for (const each of [node, ...others]) each[Symbol.dispose]()
    },
  }
}
