import { type ConnectionFailure, type RedisConnection, stepOf } from 'healthz'
import type { RedisOptions } from './options.ts'

/** The server of the entry, connected, and the other nodes, which are connected to when they are asked for. */
export interface RedisTarget extends Disposable {
  /**
   * The entry's own server; with sentinels the master that they name, which fails with the reason whatever it is asked
   * where it cannot be reached; of a cluster the first configured node that answers.
   */
  readonly node: RedisConnection
  /** Every node: those that are configured, and those that the sentinels or the cluster name. */
  nodes(): Promise<Nodes>
  /** The sentinels; none without them. */
  sentinels(): Promise<Pick<Nodes, 'reached' | 'unreached'>>
  /** The node that holds a key. @throws CannotTell where there is none */
  holderOf(key: string): Promise<RedisConnection>
}

export interface Nodes {
  /** The entry's own server first. */
  readonly reached: readonly RedisConnection[]
  /** Configured ones: the step "connect" tells of them. */
  readonly unreached: readonly ConnectionFailure[]
  /** Of sentinels and clusters: the steps about these tell of them. */
  readonly strayed: readonly ConnectionFailure[]
}

/** Declares a step of this story. */
export const step = stepOf<RedisTarget, RedisOptions>()
