import type { Member } from '../core/cluster.ts'

/**
 * What a node asks of the coordinator, and what it is told: one script each, atomic in Redis. Times are milliseconds
 * on the lease clock (`clock`), a clock kept in Redis that jumps of the server's own clock cannot drive.
 */
export type Request =
  | {
      readonly type: 'join'
      readonly key: string
      /** The `MemberInfo` as JSON. */
      readonly info: string
      readonly floor: number
    }
  | {
      readonly type: 'tick'
      readonly key: string
      readonly session: number
      readonly generation: string
      /** The highest epoch that this node has ever seen: Redis never grants a lower one, whatever it lost. */
      readonly floor: number
      /** The version of the members that this node knows: it gets them again when they have changed. */
      readonly version: number
      /** The highest epoch of the leadership that this node has given up: with it and all before, the seat is free. */
      readonly spent: number
      /** The `Vitals` as JSON; empty: as they were. */
      readonly vitals: string
      /** The `MemberInfo` as JSON, with the name that it had; empty: as it was. */
      readonly info: string
    }
  | {
      readonly type: 'claim'
      readonly key: string
      readonly session: number
      readonly floor: number
      /** At most 500. */
      readonly seats: readonly string[]
    }
  | {
      readonly type: 'release'
      readonly key: string
      readonly session: number
      readonly seats: readonly string[]
      /** Only what was granted with this epoch or one before: what comes late undoes no later claim. */
      readonly upTo: number
    }
  /** Out of the ring; session and seats stay until `leave`. */
  | { readonly type: 'retire'; readonly key: string; readonly session: number }
  /** Gone, with all seats. The session 0 stands for whatever session this key has: a process known to be dead. */
  | { readonly type: 'leave'; readonly key: string; readonly session: number }

export interface Holder {
  readonly key: string
  readonly name: string
  readonly epoch: number
}

export interface Beat {
  readonly generation: string
  /** The run id of the server; another one may know less than the one before. */
  readonly server: string
  readonly session: number
  readonly clock: number
  /** The highest epoch known. */
  readonly epoch: number
  readonly quarantine: number
  readonly version: number
  /** Changes with the set of active members only: what the ring is made of. */
  readonly ringVersion: number
  /** null: as this node knows them. */
  readonly members: readonly Member[] | null
  readonly leader: Holder | null
  /** Wall milliseconds of the Redis server. */
  readonly wall: number
}

export type Reply =
  | ({ readonly type: 'joined' } & Beat)
  | ({ readonly type: 'ticked' } & Beat)
  /** Per seat: the epoch it was granted with, or the key of its holder; empty: nobody's, to be asked for later. */
  | {
      readonly type: 'claimed'
      readonly granted: readonly { readonly seat: string; readonly epoch: number }[]
      readonly refused: readonly { readonly seat: string; readonly holder: string }[]
      /** While it lasts, only what this session had been granted before is granted, as the data tell it. */
      readonly quarantine: number
    }
  | { readonly type: 'done' }
  | { readonly type: 'refused'; readonly why: Refusal; readonly wait: number }

/**
 * `generation`: the data were lost; `session`: this session is over; `duplicate`: a live member has this name
 * (`wait`: until it may be over); `quarantine`: nobody may take over yet (`wait`: until then), and none of the seats
 * was the asker's own; `inactive`: not an active member yet.
 */
export type Refusal = 'generation' | 'session' | 'duplicate' | 'quarantine' | 'inactive'

/** Carries requests to the coordinator. Every call ends by its deadline. */
export interface Coordinator extends AsyncDisposable {
  /** @throws CoordinatorLost; the outcome is unknown then, and the connection is made anew. */
  call(request: Request, deadline: number): Promise<Reply>
}
