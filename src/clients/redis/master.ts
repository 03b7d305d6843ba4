import { ConnectionFailure } from '../../core/failure.ts'
import { CannotTell } from '../../core/story.ts'
import { say, type Text } from '../../core/text.ts'
import type { RedisConnection } from './connection.ts'
import { LazyRedis } from './lazy.ts'
import { type RedisPlace, reachSentinel, reachServer, serverAt } from './place.ts'
import { RedisRefusal } from './refusal.ts'
import { findMaster } from './sentinels.ts'

/**
 * Connects to the server at the URL of a place, or to the master that its sentinels name at this moment.
 * @throws ConnectionFailure also where that is no server alone (`redirect`: a node of a cluster), or no master
 */
export async function connectRedisMaster(place: RedisPlace, signal: AbortSignal): Promise<RedisConnection> {
  const node =
    place.mode === 'sentinel' ? await connectNamed(place, signal) : await connectAlone(place, signal)
  try {
    const fault = faultOf(await greet(node, place), node.address, place)
    if (fault === null) return node
    throw fault
  } catch (error) {
    node[Symbol.dispose]()
    throw error
  }
}

function connectAlone(place: RedisPlace, signal: AbortSignal): Promise<RedisConnection> {
  if (place.url === undefined) throw new TypeError('a place without a URL')
  return reachServer(place.url, place, signal)
}

async function connectNamed(place: RedisPlace, signal: AbortSignal): Promise<RedisConnection> {
  using asking = new DisposableStack()
  const sentinels = place.sentinels.map((url) =>
    asking.use(new LazyRedis((closing) => reachSentinel(url, place, closing))),
  )
  const address = await findMaster(sentinels, place.master, signal)
  const [like] = place.sentinels
  const server = like && serverAt(address, like, place.database)
  if (!server) throw new ConnectionFailure('dns', address, { detail: namedBy(place) })
  try {
    return await reachServer(server, place, signal)
  } catch (error) {
    if (!(error instanceof ConnectionFailure) || error.detail !== null) throw error
    const { kind, remedy: advice, cause } = error
    throw new ConnectionFailure(kind, error.address, { detail: namedBy(place), advice, cause })
  }
}

const namedBy = ({ master }: RedisPlace): Text => say`the sentinels name it the master ${master}`

interface Greeting {
  readonly mode: string
  readonly role: string
}

/**
 * What a server says of itself to everybody, whatever rights they have; null where it does not. A proxy that knows
 * protocol 2 alone may close at this, so it is not asked.
 */
async function greet(node: RedisConnection, { protocol }: RedisPlace): Promise<Greeting | null> {
  if (protocol === 2) return null
  try {
    const reply = await node.call('HELLO')
    const fields: readonly unknown[] = Array.isArray(reply) ? reply : []
    const text = (name: string) => String(fields[fields.indexOf(name) + 1])
    return fields.includes('mode') ? { mode: text('mode'), role: text('role') } : null
  } catch (error) {
    if (error instanceof CannotTell || error instanceof RedisRefusal) return null
    throw error
  }
}

function faultOf(greeting: Greeting | null, address: string, place: RedisPlace): ConnectionFailure | null {
  if (greeting?.mode === 'cluster')
    return new ConnectionFailure('redirect', address, { detail: say`it is a node of a Redis Cluster` })
  if (greeting?.mode === 'sentinel')
    return new ConnectionFailure('protocol', address, {
      detail: say`it is a Sentinel, which holds no keys`,
      advice: say`set "mode: sentinel", and name it under "sentinels"`,
    })
  if (place.mode !== 'sentinel' || greeting?.role !== 'replica') return null
  return new ConnectionFailure('read-only', address, {
    detail: say`${namedBy(place)}, but it is a replica`,
    advice: say`a failover may be under way; if it lasts, ask each sentinel for its master, and the server for its ROLE`,
  })
}
