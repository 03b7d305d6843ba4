import type { ServerUrl } from '../../core/options.ts'
import type { Secret } from '../../core/secret.ts'
import { connectRedis, type RedisAccess, type RedisConnection } from './connection.ts'

/** Where a Redis is, and who asks it: what `redisPlaceOptions` and `redisOptions` of an entry say. */
export interface RedisPlace
  extends Pick<RedisAccess, 'user' | 'password' | 'ca' | 'insecure' | 'protocol' | 'startingMax' | 'evenIf'> {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** Of a server alone, or of a node of a cluster. */
  readonly url?: ServerUrl | undefined
  /** Other nodes; those without credentials take those of this place. */
  readonly replicas?: readonly ServerUrl[]
  readonly sentinels: readonly ServerUrl[]
  readonly master: string
  /** Of the master that sentinels name. */
  readonly database?: number | undefined
  readonly sentinelUser?: string | undefined
  readonly sentinelPassword?: Secret | undefined
}

/** Connects to a server of this place, with its own credentials or those of the place. @throws ConnectionFailure */
export function reachServer(
  url: ServerUrl,
  place: RedisPlace,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const hasOwnLogin = url !== place.url && url.password !== undefined
  const login = hasOwnLogin
    ? {}
    : { user: place.user ?? place.url?.user, password: place.password ?? place.url?.password }
  return reach(url, login, place, signal)
}

/** Connects to a sentinel, which has a login of its own. @throws ConnectionFailure */
export function reachSentinel(
  url: ServerUrl,
  place: RedisPlace,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const login =
    url.password === undefined ? { user: place.sentinelUser, password: place.sentinelPassword } : {}
  return reach(url, login, place, signal)
}

function reach(
  url: ServerUrl,
  login: Pick<RedisAccess, 'user' | 'password'>,
  { ca, insecure, protocol, startingMax, evenIf }: RedisPlace,
  signal: AbortSignal,
): Promise<RedisConnection> {
  return connectRedis({
    ...{ url, ...login, ca, insecure, protocol, signal },
    ...(startingMax !== undefined && { startingMax }),
    ...(evenIf !== undefined && { evenIf }),
  })
}

/** A server that another one names as `host:port`, to be spoken to as that one is; null where it names none. */
export function serverAt(address: string, like: ServerUrl, database = 0): ServerUrl | null {
  const url = URL.parse(`${like.url.protocol}//${address}${database === 0 ? '' : `/${database}`}`)
  return url === null || url.hostname === '' ? null : { url, user: undefined, password: undefined }
}

/** `host:port`, with the brackets of an IPv6 address. */
export const addressAt = (host: string, port: string) => `${host.includes(':') ? `[${host}]` : host}:${port}`
