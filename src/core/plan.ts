import type { Channel } from './channel.ts'
import type { ClusterPlan } from './cluster.ts'
import type { ConsulPlan } from './consul.ts'
import type { Policy } from './judge.ts'
import type { Severity } from './outcome.ts'
import type { Story } from './story.ts'
import type { Language } from './text.ts'

/** The whole configuration, checked. Times in milliseconds. */
export interface Plan {
  /** The platform's name, as people know it. */
  readonly platform: string
  /** This node's name. */
  readonly node: string
  readonly language: Language
  readonly entries: readonly Entry[]
  readonly channels: readonly ChannelEntry[]
  readonly alarms: AlarmPolicy
  readonly store: StorePlan
  readonly http: HttpPlan | null
  readonly limits: Limits
  /** null: this node is alone. */
  readonly cluster: ClusterPlan | null
  /** null: this process registers with nobody. */
  readonly consul: ConsulPlan | null
  /** What this node is for; entries may be bound to a role. */
  readonly roles: readonly string[]
  /** Every secret value that must never be printed. */
  readonly secrets: readonly string[]
  /** Changes when the effective configuration changes. */
  readonly hash: string
}

/** A configured story. */
export interface Entry {
  readonly name: string
  readonly kind: string
  readonly story: Story
  readonly options: unknown
  readonly tags: readonly string[]
  readonly pace: Pace
  readonly policy: Policy
  /** How long to wait before a suspicion is told again inside the round. */
  readonly confirmAfter: number
  readonly steps: Readonly<Record<string, StepPlan>>
  readonly resolve: ResolvePlan
  /** The words of a command that starts the server, for where nothing listens; null: none is known. */
  readonly start: readonly string[] | null
  readonly deadlines: Deadlines
  /** `cluster`: one node tells it; `node`: every node tells it about itself. */
  readonly scope: 'cluster' | 'node'
  /** Which node tells an entry of the cluster: the ring's choice, or always the leader. */
  readonly spread: 'ring' | 'leader'
  /** What it cannot work without: while one of these is broken, its own problems are not told. */
  readonly dependsOn: readonly Dependency[]
  /** Only nodes with this role tell it about themselves; null: every node. */
  readonly role: string | null
}

/** What an entry cannot do without: another entry's system as a whole, or what one step of it watches. */
export interface Dependency {
  readonly entry: string
  /** null: that it can be reached; of a story that reaches nothing, that nothing critical is wrong. */
  readonly step: string | null
}

export type Pace =
  | { readonly every: number; readonly jitter: number }
  | { readonly cron: string; readonly timezone: string | null; readonly jitter: number }

export interface StepPlan {
  readonly on: boolean
  readonly limits: unknown
}

export interface ResolvePlan {
  /** `auto` runs the cures whose consent is auto; `ask` runs none by itself; `off` offers none. */
  readonly mode: 'auto' | 'ask' | 'off'
  /** Steps whose cures may run although they ask for consent. */
  readonly allow: readonly string[]
  /** Least time between two attempts on one problem. */
  readonly coolDown: number
  /** Attempts on one problem in an hour. */
  readonly maxAttempts: number
}

export interface Deadlines {
  readonly open: number
  readonly step: number
  readonly story: number
}

export interface ChannelEntry {
  readonly name: string
  readonly kind: string
  readonly channel: Channel
  readonly options: unknown
}

export interface AlarmPolicy {
  /** How long the first alarm waits for company. */
  readonly groupWait: number
  readonly routes: readonly Route[]
  /** Takes what another channel could not deliver for `fallbackAfter`. */
  readonly fallback: string | null
  readonly fallbackAfter: number
  /** How long what a cause took with it may take to come back once that is mended, before it is told by itself. */
  readonly afterCause: number
}

/** Alarms that match go to these channels; the first route that matches decides, unless it says `continue`. */
export interface Route {
  readonly match: {
    readonly severity?: readonly Severity[] | undefined
    readonly story?: readonly string[] | undefined
    readonly entry?: readonly string[] | undefined
    readonly tag?: readonly string[] | undefined
  }
  readonly to: readonly string[]
  readonly continue: boolean
}

export interface StorePlan {
  /** A file's path, or null: in memory. */
  readonly file: string | null
  /** How long the past is kept. */
  readonly retention: number
}

export interface HttpPlan {
  readonly host: string
  readonly port: number
}

export interface Limits {
  /** Entries told at the same time. */
  readonly concurrency: number
  /** Cures that may run at the same time. */
  readonly cures: number
  /** Above this share of entries with problems (0 to 1) no cure runs: the cause is likely elsewhere. */
  readonly blastRadius: number
}
