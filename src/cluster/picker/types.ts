import type { CoordinatorFault } from '../../core/cluster.ts'

/** One loss of Redis. Nodes that shared the last view name it alike. */
export interface Outage {
  readonly cluster: string
  readonly generation: string
  /** The leader's epoch in the last view; 0: there was none. */
  readonly lastEpoch: number
}

/** That people have been told of an outage. `at`: wall milliseconds. */
export interface Told extends Outage {
  readonly by: string
  readonly at: number
}

/** What is known of one node, as it goes from node to node. Milliseconds. */
export interface Word {
  readonly name: string
  /** Since somebody heard the node itself, and how many have passed it on. */
  readonly age: number
  readonly hops: number
  readonly fault: CoordinatorFault | null
  /** How old its last heartbeat was when it was heard; null: it had none. */
  readonly beatAge: number | null
  /** Whether it has a channel that works. */
  readonly canTell: boolean
  /** Whether it is the voice. */
  readonly speaks: boolean
}

/** What a node knows of another: heard from it, or of it. */
export interface Hearsay {
  /** When somebody heard the node itself (monotonic), and over how many others that came. */
  readonly at: number
  readonly hops: number
  /** The peer that it came from. */
  readonly via: string
  readonly fault: Word['fault']
  readonly beatAge: number | null
  readonly canTell: boolean
  readonly speaks: boolean
}

/** Milliseconds. */
export interface PickerSettings {
  readonly self: string
  /** From one probe of the peers to the next. */
  readonly period: number
  /** How much later each node in the order begins when those before it are not heard. */
  readonly step: number
  /** How long one that would be preferred, or that refuses, is waited for. */
  readonly patience: number
  /** How long an answer is waited for. */
  readonly deadline: number
  /** A heartbeat not older than this shows that its node sees Redis. */
  readonly valid: number
}

/** What happens to a picker. Nothing else moves it. */
export type PickerEvent =
  /** Redis does not answer: listen to the peers, say nothing yet. `order`: the last leader, then the ring. */
  | { readonly type: 'suspect'; readonly order: readonly string[] }
  /** Redis is lost. */
  | { readonly type: 'begin'; readonly outage: Outage; readonly order: readonly string[] }
  /** Redis is back for this node. */
  | { readonly type: 'end' }
  /** How this node fares itself. */
  | { readonly type: 'own'; readonly canTell: boolean; readonly seesRedis: boolean }
  /** The moment that the last `wake` asked for. */
  | { readonly type: 'due' }
  /** A valid question or answer of a peer. `outage`: null where it does not miss Redis. */
  | {
      readonly type: 'heard'
      readonly from: string
      readonly outage: Outage | null
      readonly words: readonly Word[]
      readonly told: readonly Told[]
    }
  /** A peer wants to be the voice: answered at once by `answer`. */
  | { readonly type: 'asked'; readonly from: string }
  /** What a peer makes of this node's own claim; null: no answer. */
  | {
      readonly type: 'answered'
      readonly id: number
      readonly from: string
      readonly granted: boolean | null
    }
  /** The alarm of this outage has left this node. `at`: wall milliseconds. */
  | { readonly type: 'told'; readonly outage: Outage; readonly at: number }

/** What a picker wants done. */
export type PickerCommand =
  /** `announce` brings news and is no different else. */
  | { readonly type: 'probe' | 'announce'; readonly peers: readonly string[] }
  | { readonly type: 'claim'; readonly id: number; readonly peers: readonly string[] }
  | { readonly type: 'answer'; readonly granted: boolean }
  /** This node speaks for all it can reach. `isNew`: nobody it knows of has told people of this outage yet. */
  | { readonly type: 'speak'; readonly outage: Outage; readonly isNew: boolean }
  /** Another one speaks, or, null, nobody does yet. */
  | { readonly type: 'hush'; readonly voice: string | null }
  /** A peer sees Redis: tell it who does not. */
  | { readonly type: 'report'; readonly to: string }
  /** `due` is wanted then (monotonic); it takes the place of an earlier wish. */
  | { readonly type: 'wake'; readonly at: number }

export interface PickerState {
  readonly phase: 'idle' | 'suspecting' | 'picking'
  readonly outage: Outage | null
  /** Place in the order of preference, by name. */
  readonly ranks: ReadonlyMap<string, number>
  readonly words: ReadonlyMap<string, Hearsay>
  readonly told: readonly Told[]
  readonly canTell: boolean
  readonly seesRedis: boolean
  /** Whose job speaking is, as far as this node knows; where that one sees Redis, this node is isolated. */
  readonly voice: string | null
  readonly isIsolated: boolean
  /** What this node spoke of, while it is the voice. */
  readonly spoken: Outage | null
  /** When the peers were first asked, and since when there is no voice. Monotonic, as all that follows. */
  readonly listensSince: number
  readonly voicelessSince: number
  readonly claim: Claim | null
  readonly claims: number
  readonly nextClaim: number
  readonly rounds: number
  readonly lastProbe: number
  readonly nextProbe: number
  readonly nextReport: number
}

export interface Claim {
  readonly id: number
  readonly until: number
  readonly awaited: readonly string[]
  readonly isRefused: boolean
}
