import { ConnectionFailure } from '../../core/failure.ts'
import type { Severity } from '../../core/outcome.ts'
import { slotOf } from '../../core/redis-slot.ts'
import { say } from '../../core/text.ts'
import { openRedisCluster } from './cluster.ts'
import type { RedisConnection } from './connection.ts'
import { connectRedisMaster } from './master.ts'
import type { RedisPlace } from './place.ts'

/** A Redis by its keys, in whatever mode it is. */
export interface RedisKeys extends Disposable {
  /** The server that holds a key. @throws ConnectionFailure also where none of a cluster does; CannotTell where it is none */
  holderOf(key: string): Promise<RedisConnection>
  /** Sends one command to the server that holds its first key, as `call` of a connection. */
  call(command: string, key: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** The servers that hold some of these keys, each once. */
  holdersOf(keys: readonly string[]): Promise<readonly RedisConnection[]>
}

/**
 * Opens a server alone, the master that sentinels name, or a cluster.
 * @throws ConnectionFailure as `connectRedisMaster`, or where no node of the cluster answers
 */
export async function openRedisKeys(place: RedisPlace, signal: AbortSignal): Promise<RedisKeys> {
  const { holderOf, close } =
    place.mode === 'cluster' ? await openNodes(place, signal) : await openMaster(place, signal)
  return {
    holderOf,
    call: async (command, key, ...args) => (await holderOf(key)).call(command, key, ...args),
    holdersOf: async (keys) => [...new Set(await Promise.all(keys.map(holderOf)))],
    [Symbol.dispose]: close,
  }
}

type Opened = Pick<RedisKeys, 'holderOf'> & { readonly close: () => void }

async function openMaster(place: RedisPlace, signal: AbortSignal): Promise<Opened> {
  const node = await connectRedisMaster(place, signal)
  return { holderOf: async () => node, close: () => node[Symbol.dispose]() }
}

async function openNodes(place: RedisPlace, signal: AbortSignal): Promise<Opened> {
  const cluster = await openRedisCluster(place, signal)
  const holderOf = async (key: string) => {
    const holder = await cluster.holderOf(key)
    if (holder !== null) return holder
    throw new ClusterDown('redirect', cluster.node.address, {
      detail: say`no node of the cluster serves slot ${String(slotOf(key))}`,
      advice: say`bring the node back that served it: redis-cli --cluster check tells which slots have none`,
    })
  }
  return { holderOf, close: () => cluster[Symbol.dispose]() }
}

/** Unlike being sent to another node this is an outage. */
class ClusterDown extends ConnectionFailure {
  override get severity(): Severity {
    return 'critical'
  }
}
