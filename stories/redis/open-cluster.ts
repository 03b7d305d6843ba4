import {
  CannotTell,
  ConnectionFailure,
  openRedisCluster,
  type RedisCluster,
  type RedisConnection,
  reachAll,
  readClusterNodes,
  say,
  shareInFlight,
  slotOf,
} from 'healthz'
import type { RedisOptions } from './options.ts'
import { placeOf } from './place.ts'
import type { RedisTarget } from './target.ts'

/**
 * The first of the configured nodes that answers, and all nodes that it knows.
 * @throws ConnectionFailure where none of them answers.
 */
export async function openCluster(options: RedisOptions, signal: AbortSignal): Promise<RedisTarget> {
  const cluster = await openRedisCluster(placeOf(options), signal)
  return {
    node: cluster.node,
    // The steps of a telling ask for them together.
    nodes: shareInFlight(async () => {
      const addresses = await addressesIn(cluster)
      const all = [...cluster.configured, ...addresses.flatMap((address) => cluster.at(address) ?? [])]
      const { reached, unreached } = await reachAll([...new Set(all)])
      return { reached: await eachOnce(reached), unreached: [], strayed: unreached }
    }),
    sentinels: async () => ({ reached: [], unreached: [] }),
    async holderOf(key) {
      const holder = await cluster.holderOf(key)
      if (holder !== null) return holder
      throw new CannotTell(say`no node of the cluster serves slot ${String(slotOf(key))}`)
    },
    [Symbol.dispose]: () => cluster[Symbol.dispose](),
  }
}

/** As the first node that tells knows them; none where none does: the steps about nodes and cluster say why. */
async function addressesIn({ map, configured }: RedisCluster): Promise<readonly string[]> {
  const others = configured.map((server) => async () => {
    const node = await server.reach()
    if (node instanceof ConnectionFailure) throw node
    return readClusterNodes(node)
  })
  for (const ask of [map, ...others]) {
    const nodes = await ifTold(ask)
    if (nodes !== null) return nodes.map(({ address }) => address)
  }
  return []
}

/** A node may be configured under another name than the one that the cluster has for it. */
async function eachOnce(nodes: readonly RedisConnection[]): Promise<readonly RedisConnection[]> {
  const runs = await Promise.all(
    nodes.map((node) => ifTold(async () => (await node.info('server')).text('run_id'))),
  )
  return nodes.filter((_, at) => runs[at] === null || runs.indexOf(runs[at] ?? null) === at)
}

async function ifTold<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CannotTell || error instanceof ConnectionFailure) return null
    throw error
  }
}
