import {
  type ConnectionFailure,
  connectRedis,
  type OpenContext,
  type RedisConnection,
  type ServerUrl,
  stepOf,
} from 'healthz'
import type { RedisOptions } from './options.ts'
import { OtherNode } from './other-node.ts'

/** The server of the entry, connected, and the other nodes, which are connected to when they are asked for. */
export interface RedisTarget extends Disposable {
  readonly node: RedisConnection
  /** Every configured node: those that answer, and why the others do not. */
  nodes(): Promise<Nodes>
}

export interface Nodes {
  /** The entry's own server first. */
  readonly reached: readonly RedisConnection[]
  readonly unreached: readonly ConnectionFailure[]
}

/** Declares a step of this story. */
export const step = stepOf<RedisTarget, RedisOptions>()

/** Connects to the entry's server, also to one that is blocked or refuses to serve: the steps tell of that. */
export async function openRedis({ options, signal }: OpenContext<RedisOptions>): Promise<RedisTarget> {
  const node = await reach(options.url, options, signal)
  const others = options.replicas
    .filter(({ url }) => url.host !== options.url.url.host)
    .map((url) => new OtherNode((closing) => reach(url, options, closing)))
  return {
    node,
    async nodes() {
      const tried = await Promise.all(others.map((other) => other.reach()))
      return {
        reached: [node, ...tried.flatMap((found) => ('call' in found ? [found] : []))],
        unreached: tried.flatMap((found) => ('call' in found ? [] : [found])),
      }
    },
    [Symbol.dispose]() {
      node[Symbol.dispose]()
      for (const other of others) other[Symbol.dispose]()
    },
  }
}

function reach(url: ServerUrl, options: RedisOptions, signal: AbortSignal): Promise<RedisConnection> {
  const { ca, insecure, protocol, startingMax } = options
  const hasOwnLogin = url !== options.url && url.password !== undefined
  const login = hasOwnLogin
    ? {}
    : { user: options.user ?? options.url.user, password: options.password ?? options.url.password }
  return connectRedis({
    url,
    ...login,
    ca,
    insecure,
    protocol,
    startingMax,
    evenIf: ['BUSY', 'MASTERDOWN'],
    signal,
  })
}
