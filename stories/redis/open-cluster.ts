import { CannotTell, ConnectionFailure, type ServerUrl, say, slotOf } from 'healthz'
import { type ClusterNode, holderOfSlot, readClusterNodes } from './cluster-view.ts'
import type { RedisOptions } from './options.ts'
import { OtherNode, reachAll } from './other-node.ts'
import { mostTelling, reachNode, serverAt } from './reach.ts'
import type { RedisTarget } from './target.ts'

/**
 * The first of the configured nodes that answers, and all nodes that it knows.
 * @throws ConnectionFailure where none of them answers.
 */
export async function openCluster(
  url: ServerUrl,
  options: RedisOptions,
  signal: AbortSignal,
): Promise<RedisTarget> {
  using opening = new DisposableStack()
  const nodeAt = (server: ServerUrl) => new OtherNode((closing) => reachNode(server, options, closing))
  const configured = [url, ...options.replicas].map((server) => opening.use(nodeAt(server)))
  const giveUp = () => {
    for (const node of configured) node[Symbol.dispose]()
  }
  signal.addEventListener('abort', giveUp, { once: true })
  const { reached, unreached } = await reachAll(configured)
  signal.removeEventListener('abort', giveUp)
  signal.throwIfAborted()
  const [node] = reached
  if (node === undefined) throw mostTelling(unreached)

  const known = new Map<string, OtherNode>()
  const owned = opening.move()
  /** A node by the address that the cluster announces, which the configured ones may have too. */
  const at = (address: string): OtherNode | null => {
    const server = known.get(address) ?? serverAt(address, url)
    if (server === null || server instanceof OtherNode) return server
    const other = owned.use(nodeAt(server))
    known.set(address, other)
    return other
  }
  for (const [index, server] of [url, ...options.replicas].entries()) {
    const other = configured[index]
    if (other !== undefined) known.set(server.url.host, other)
  }
  const mapOf = () => readClusterNodes(node)
  return {
    node,
    async nodes() {
      const addresses = (await ifAllowed(mapOf)).map(({ address }) => address)
      const others = new Set([...configured, ...addresses.flatMap((address) => at(address) ?? [])])
      const found = await reachAll([...others])
      return { reached: found.reached, unreached: [], strayed: found.unreached }
    },
    sentinels: async () => ({ reached: [], unreached: [] }),
    async holderOf(key) {
      const slot = slotOf(key)
      const address = holderOfSlot(await mapOf(), slot)
      const found = address === null ? null : await at(address)?.reach()
      if (found == null) throw new CannotTell(say`no node of the cluster serves slot ${String(slot)}`)
      if (found instanceof ConnectionFailure) throw found
      return found
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** None where the user may not ask: the step about the cluster says so. */
async function ifAllowed(ask: () => Promise<readonly ClusterNode[]>): Promise<readonly ClusterNode[]> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CannotTell) return []
    if (error instanceof ConnectionFailure && error.kind === 'not-allowed') return []
    throw error
  }
}
