import {
  ConnectionFailure,
  connectRedis,
  type RedisConnection,
  type Secret,
  type ServerUrl,
  say,
} from 'healthz'
import type { RedisOptions } from './options.ts'

/** Connects to a node, also to one that is blocked or refuses to serve: the steps tell of that. */
export function reachNode(
  url: ServerUrl,
  options: RedisOptions,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const hasOwnLogin = url !== options.url && url.password !== undefined
  const login = hasOwnLogin
    ? {}
    : { user: options.user ?? options.url?.user, password: options.password ?? options.url?.password }
  return reach(url, login, options, signal)
}

/** Connects to a sentinel, which has a login of its own. */
export function reachSentinel(
  url: ServerUrl,
  options: RedisOptions,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const login =
    url.password === undefined ? { user: options.sentinelUser, password: options.sentinelPassword } : {}
  return reach(url, login, options, signal)
}

function reach(
  url: ServerUrl,
  login: { readonly user?: string | undefined; readonly password?: Secret | undefined },
  { ca, insecure, protocol, startingMax }: RedisOptions,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const evenIf = ['BUSY', 'MASTERDOWN'] as const
  return connectRedis({ url, ...login, ca, insecure, protocol, startingMax, evenIf, signal })
}

/** A server that another one names as `host:port`, to be spoken to as that one is; null where it names none. */
export function serverAt(address: string, like: ServerUrl): ServerUrl | null {
  const url = URL.parse(`${like.url.protocol}//${address}`)
  return url === null || url.hostname === '' ? null : { url, user: undefined, password: undefined }
}

/** `host:port`, with the brackets of an IPv6 address. */
export const addressOf = (host: string, port: string) => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** Of several that could not be reached the one that says most: a server that spoke. */
export function mostTelling(failures: readonly ConnectionFailure[]): ConnectionFailure | undefined {
  const said = failures.find(({ kind }) => !silent.has(kind))
  const [first, ...others] = failures
  if (said !== undefined || first === undefined || others.length === 0) return said ?? first
  const detail = say`nor do ${others.map(({ address }) => address)} answer`
  return new ConnectionFailure(first.kind, first.address, { detail, cause: first.cause })
}

const silent: ReadonlySet<string> = new Set(['refused', 'timeout-connect', 'timeout-reply', 'dns'])
