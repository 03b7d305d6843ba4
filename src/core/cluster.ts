import type { Secret } from './secret.ts'

/** What the configuration says of the cluster. Times in milliseconds. */
export interface ClusterPlan {
  readonly name: string
  readonly redis: CoordinatorPlan
  /** Proves to its peers that a node belongs here; null: nodes do not talk to each other when Redis is lost. */
  readonly secret: Secret | null
  readonly timing: ClusterTiming
  /** How many shards the entries are spread over. The same on every node. */
  readonly shards: number
  /** A heartbeat counts only where so many replicas have it too; 0: the master alone is enough. */
  readonly minReplicas: number
  /** How long a member that vanished, and what it told of itself, is remembered. */
  readonly forgetAfter: number
  /** Where peers may be found that were never seen: `host:port`. */
  readonly peers: readonly string[]
  /** `host:port` at which peers reach this node; null: its host name and its HTTP port. */
  readonly advertise: string | null
}

/** How the coordinating Redis is reached. */
export interface CoordinatorPlan {
  readonly kind: 'standalone' | 'sentinel' | 'cluster'
  /** The server itself, the sentinels, or some nodes of the cluster: `host` and `port` of each. */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** The name under which sentinels know the master; empty for the others. */
  readonly master: string
  readonly database: number
  readonly user: string | undefined
  readonly password: Secret | undefined
  readonly sentinelUser: string | undefined
  readonly sentinelPassword: Secret | undefined
  /** null: no TLS. `ca`: authorities trusted instead of the system's, as PEM. */
  readonly tls: { readonly ca: string | undefined; readonly insecure: boolean } | null
}

/** The times on which the safety of leadership rests. Milliseconds. */
export interface ClusterTiming {
  /** From one heartbeat to the next. */
  readonly beat: number
  /** How long a node trusts its own session after it sent a heartbeat that was taken. */
  readonly valid: number
  /** How long Redis keeps a session without heartbeats; as long as nobody may take over after data were lost. */
  readonly lease: number
  /** The most that one script lets the lease clock advance: the longest jump of a clock that is believed. */
  readonly clockStep: number
  /** How long a new member waits before it takes part, and the grid on which it then begins. */
  readonly settle: number
  readonly batch: number
}

/** What can be held: `leader`, `shard:17`, or `node` for what a node says of itself. */
export type Seat = 'leader' | 'node' | `shard:${number}`

/** What a node says of itself when it joins. Plain JSON. */
export interface MemberInfo {
  /** The node's name; two members never have the same. */
  readonly name: string
  /** `host:port` of its HTTP server as peers reach it; null: it has none. */
  readonly address: string | null
  readonly roles: readonly string[]
  readonly version: string
  /** The hash of its configuration. */
  readonly config: string
  readonly host: string
  readonly pid: number
}

export interface Member extends MemberInfo {
  /** `name@incarnation`: a restarted node is a new one. */
  readonly key: string
  readonly state: 'joining' | 'active' | 'leaving'
}

/** What one node knows of the cluster. Ages and lengths in milliseconds. */
export interface ClusterView {
  readonly cluster: string
  /** This node's own name. */
  readonly self: string
  /**
   * `starting`: not yet a member; `member`; `degraded`: Redis is lost; `recovering`: Redis is back, cures are still off;
   * `leaving`.
   */
  readonly mode: 'starting' | 'member' | 'degraded' | 'recovering' | 'leaving'
  readonly members: readonly Member[]
  readonly leader: { readonly name: string; readonly epoch: number } | null
  /** Seats that this node holds now. */
  readonly seats: readonly Seat[]
  /** Since the last heartbeat that was taken; null: there was none yet. */
  readonly lastBeatAge: number | null
  /** How long nobody may take over yet, because data or the server were lost; 0: now. */
  readonly quarantine: number
  /** Why Redis does not serve, in the words of `CoordinatorFault`; null: it does. */
  readonly fault: CoordinatorFault | null
}

/** Why the coordinating Redis cannot be used, each with advice of its own. */
export const coordinatorFaults = [
  'unreachable',
  'slow',
  'readonly',
  'loading',
  'masterdown',
  'clusterdown',
  'noreplicas',
  'oom',
  'misconf',
  'busy',
  'auth',
  'noperm',
  'other',
] as const

export type CoordinatorFault = (typeof coordinatorFaults)[number]

/** How a node fares, written with its heartbeats for the leader to look at. Plain JSON; times in milliseconds. */
export interface Vitals {
  /** Wall time of this node when it wrote this, and that of Redis at the last heartbeat minus this node's. */
  readonly at: number
  readonly clockOffset: number
  /** 95th percentile of the heartbeats' round trips and of the time between them, over the last minute. */
  readonly roundTrip: number
  readonly interval: number
  /** 99th percentile of the event loop's lag. */
  readonly loopLag: number
  readonly uptime: number
  readonly rounds: number
  readonly overruns: number
}

/** What all nodes have written down: for the leader's story about the cluster, and for `healthz ring`. */
export interface ClusterRecords {
  readonly members: readonly (Member & {
    /** Since its last heartbeat, on the lease clock. */
    readonly beatAge: number
    readonly vitals: Vitals | null
  })[]
  readonly leader: { readonly name: string; readonly epoch: number } | null
  /** Members that vanished without taking leave, and how long ago (wall). */
  readonly lost: readonly { readonly name: string; readonly at: number; readonly host: string }[]
  /** Who holds each seat. */
  readonly owners: Readonly<Record<string, string>>
  /** When the leader changed lately, wall milliseconds, newest last. */
  readonly changes: readonly { readonly at: number; readonly name: string; readonly epoch: number }[]
  /** Reports of nodes that cannot reach Redis themselves, handed in over HTTP. */
  readonly isolated: readonly {
    readonly name: string
    readonly at: number
    readonly fault: CoordinatorFault
  }[]
  /** Milliseconds for which nobody may take over yet. */
  readonly quarantine: number
}
