import { ConnectionFailure, type RedisConnection, say } from 'healthz'
import type { RedisOptions } from './options.ts'
import { OtherNode, reachAll } from './other-node.ts'
import { addressOf, mostTelling, reachNode, reachSentinel, serverAt } from './reach.ts'
import { readReplicas } from './sentinel-view.ts'
import type { RedisTarget } from './target.ts'

/**
 * The master that the first sentinel to answer names, and the replicas that the sentinels know. Where that master
 * cannot be reached, the sentinels can still be asked.
 * @throws ConnectionFailure where no sentinel answers, or none knows the master.
 */
export async function openWithSentinels(options: RedisOptions, signal: AbortSignal): Promise<RedisTarget> {
  using opening = new DisposableStack()
  const sentinels = options.sentinels.map((url) =>
    opening.use(new OtherNode((closing) => reachSentinel(url, options, closing))),
  )
  const named = await nameMaster(sentinels, options.master, signal)
  // All servers are spoken to as the sentinels are: with TLS or without.
  const nodeAt = (address: string) => {
    const server = options.sentinels[0] && serverAt(address, options.sentinels[0])
    return new OtherNode(async (closing) => {
      if (!server) throw new ConnectionFailure('dns', address)
      return reachNode(server, options, closing)
    })
  }
  const found = await opening.use(nodeAt(named)).reach()
  const master = found instanceof ConnectionFailure ? null : found
  const replicas = new Map<string, OtherNode>()
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

/** `host:port` of the master. */
async function nameMaster(
  sentinels: readonly OtherNode[],
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const giveUp = () => {
    for (const sentinel of sentinels) sentinel[Symbol.dispose]()
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.any(sentinels.map((sentinel) => askForMaster(sentinel, name)))
  } catch (error) {
    signal.throwIfAborted()
    const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    throw mostTelling(errors.filter((each) => each instanceof ConnectionFailure)) ?? errors[0]
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

async function askForMaster(sentinel: OtherNode, name: string): Promise<string> {
  const reached = await sentinel.reach()
  if (reached instanceof ConnectionFailure) throw reached
  const reply = await reached.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
  const [host, port] = Array.isArray(reply) ? reply : []
  if (typeof host === 'string' && typeof port === 'string') return addressOf(host, port)
  throw new ConnectionFailure('not-found', reached.address, {
    detail: say`the sentinel watches no master named ${name}`,
  })
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
  return { address: failure.address, call: refuse, info: refuse, [Symbol.dispose]() {} }
}
