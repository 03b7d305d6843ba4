import type { ClusterTiming, CoordinatorFault, Member, Seat } from '../../core/cluster.ts'
import type { Reply, Request } from '../protocol.ts'

/** A moment on both clocks of this node, in milliseconds: neither alone sees every pause. */
export interface Instant {
  /** Monotonic. */
  readonly elapsed: number
  readonly wall: number
}

export interface NodeSettings {
  /** The node's name. */
  readonly name: string
  readonly timing: ClusterTiming
  /** The `MemberInfo` as JSON. */
  readonly info: string
  /** The shards that the ring gives to this node. */
  readonly shardsOf: (active: readonly string[], self: string) => readonly Seat[]
  /** In what order active members may become leader. */
  readonly candidates: (active: readonly string[]) => readonly string[]
  /** A new incarnation of this node: a key that no member has had before. */
  readonly newKey: () => string
  /** A number in [0, 1), for spreading what would else happen at once. */
  readonly random: () => number
}

/** What happens to a node. Nothing else moves it: it reads no clock and does nothing itself. */
export type NodeEvent =
  /**
   * `floor`: the highest epoch ever seen, from disk. `leftover`: the key of a process of this node known to be dead;
   * `generation`: that of the data that it knew.
   */
  | {
      readonly type: 'start'
      readonly floor: number
      readonly leftover?: string
      readonly generation?: string
    }
  /** The moment that the last `wake` asked for. */
  | { readonly type: 'due' }
  | { readonly type: 'answered'; readonly id: number; readonly reply: Reply }
  | { readonly type: 'failed'; readonly id: number; readonly fault: CoordinatorFault }
  /** A hint over pub/sub: something may have changed; nothing depends on it. */
  | { readonly type: 'hint' }
  /** The work of a seat that was to be handed over has ended. */
  | { readonly type: 'drained'; readonly seat: Seat }
  /** The figures to write with the next heartbeat, as JSON. */
  | { readonly type: 'vitals'; readonly json: string }
  /** Give the leadership away, and leave it to others for one lease. */
  | { readonly type: 'resign' }
  /** The configuration was read anew. */
  | { readonly type: 'info'; readonly json: string }
  /** Leave for good: hand over, then go. */
  | { readonly type: 'stop' }

/** What a node wants done. */
export type NodeCommand =
  /** One at a time. `deadline`: milliseconds from now. */
  | {
      readonly type: 'call'
      readonly id: number
      readonly request: Request
      readonly deadline: number
    }
  /** `due` is wanted then (monotonic); it takes the place of an earlier wish. */
  | { readonly type: 'wake'; readonly at: number }
  /** Drop the connection: what Redis makes of the last call is unknown. */
  | { readonly type: 'reset' }
  /** This node holds the seat now; a new spell, even where the epoch is known. */
  | { readonly type: 'gain'; readonly seat: Seat; readonly epoch: number }
  /** It holds it no more: whatever is under way ends at once. */
  | { readonly type: 'lose'; readonly seat: Seat; readonly why: LossReason }
  /** Begin nothing new on this seat, say `drained` when all has ended. */
  | { readonly type: 'drain'; readonly seat: Seat }
  /** Who is there, or who leads, has changed. */
  | { readonly type: 'view' }
  /** The epoch to remember on disk. */
  | { readonly type: 'save'; readonly floor: number }
  /** Redis has been lost for longer than a lease; and: it is back (cures stay off until the mode is `member`). */
  | { readonly type: 'degrade'; readonly fault: CoordinatorFault; readonly since: Instant }
  | { readonly type: 'recover' }
  /** A live member has this node's name (milliseconds until it may be over). */
  | { readonly type: 'duplicate'; readonly wait: number }
  /** Data were lost: a new generation began. */
  | { readonly type: 'data-lost'; readonly before: string; readonly after: string }
  | { readonly type: 'stopped' }

export type LossReason =
  | 'lapsed'
  | 'clock-jumped'
  | 'session-lost'
  | 'data-lost'
  | 'taken'
  | 'handed-over'
  | 'resigned'
  | 'stopped'

/** What the shell reads from a node's state. */
export interface NodeOutlook {
  readonly mode: 'starting' | 'member' | 'degraded' | 'recovering' | 'leaving' | 'stopped'
  readonly key: string | null
  readonly session: number
  readonly generation: string
  readonly members: readonly Member[]
  readonly leader: { readonly key: string; readonly name: string; readonly epoch: number } | null
  readonly held: ReadonlyMap<Seat, number>
  /** Monotonic: nothing is held from then on, whatever else this says. */
  readonly validUntil: number
  /** When the last heartbeat that was taken was sent; null: none was. */
  readonly lastBeat: Instant | null
  /** The highest epoch ever seen. */
  readonly floor: number
  /** Milliseconds, as of the last heartbeat. */
  readonly quarantine: number
  readonly fault: CoordinatorFault | null
  /** Redis' wall clock minus this node's, as of the last heartbeat. */
  readonly clockOffset: number
}
