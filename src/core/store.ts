import type { Alarm, Owed } from './alarm.ts'
import type { Seat } from './cluster.ts'
import type { EntryState, Trial } from './judge.ts'
import type { Severity } from './outcome.ts'
import type { Remembered } from './story.ts'
import type { Text } from './text.ts'

/** Who writes: a store refuses a writer that a newer one has replaced. */
export interface Fence {
  readonly epoch: number
  /** What the writer holds in the cluster, with this epoch; left out where one process alone keeps the store. */
  readonly seat?: Seat
}

/** Thrown by a store when the writer's epoch is no longer the newest. */
export class Fenced extends Error {
  override readonly name = 'Fenced'
}

/** What survives. Every method is atomic; after `commit` returns, a kill -9 loses nothing of it. */
export interface Store {
  /** The fence of whoever opened this store last. */
  readonly fence: Fence
  /** What went wrong with the store and what is done about it; null: all is well. */
  readonly trouble: () => Trouble | null

  entry(name: string): Promise<EntryRecord | null>
  entries(): Promise<readonly EntryRecord[]>

  /**
   * State, samples, timeline and outbox in one act. Returns the commit as it was written: a problem that was raised
   * here since its writer looked stays raised, and keeps its name where the writer has raised it too.
   */
  commit(fence: Fence, commit: Commit): Promise<Commit>

  /**
   * Marks up to `limit` due alarms of a channel as being sent, oldest first, and returns them. None is due before an
   * earlier one of the same problem.
   */
  claim(fence: Fence, claim: Claim): Promise<readonly Outgoing[]>
  settle(fence: Fence, settlements: readonly Settlement[]): Promise<void>
  /** Alarms of all channels, newest first. */
  alarms(limit: number): Promise<readonly Outgoing[]>
  /** What waits in the outbox, per channel, and what was given up since a moment (wall milliseconds). */
  backlog(failedSince: number): Promise<readonly Backlog[]>
  /**
   * What a channel had on its way when it was last known, by another writer or by a claim whose answer was lost, may or
   * may not have arrived: it is sent again. Without a channel: all of them.
   */
  resume(fence: Fence, channel?: string): Promise<void>
  /** Hands what waits for one channel to another. Returns how many. */
  reroute(
    fence: Fence,
    reroute: { from: string; to: string; createdBefore: number; at: number },
  ): Promise<number>

  /** Gives what waits for a channel that is gone to others. Returns how many alarms. */
  readdress(fence: Fence, readdress: { from: string; to: readonly string[] }): Promise<number>

  /**
   * Writes down that a cure begins; it counts against the budget even if this process dies in it. A person's consent
   * to it is used up.
   */
  beginCure(fence: Fence, cure: CureBegin): Promise<number>
  endCure(fence: Fence, id: number, trial: Trial): Promise<void>
  cures(since: number): Promise<readonly CureRecord[]>

  /**
   * Takes over what was kept elsewhere while this store could not be reached: records, merged with its own;
   * happenings; and alarms with what became of them. An alarm that it knows already is only marked as sent, and one
   * that waits is declined where people hear of its problem under another name. What an alarm says to be raised is
   * raised in the record of its entry. Returns the occurrences of which an alarm was declined.
   */
  adopt(fence: Fence, kept: Kept): Promise<readonly string[]>

  /** A person's consent to one problem's cure. */
  approve(approval: Approval): Promise<void>
  approvals(at: number): Promise<readonly Approval[]>

  /** What happened, newest first. */
  timeline(filter: { entry?: string; limit: number }): Promise<readonly Happening[]>
  /** Forgets what is older, never an open problem nor an undelivered alarm. */
  prune(before: number): Promise<void>

  [Symbol.asyncDispose](): Promise<void>
}

export interface EntryRecord {
  readonly name: string
  readonly kind: string
  readonly title: Text
  readonly at: number
  readonly took: number
  readonly state: EntryState
  readonly samples: Samples
}

export type Samples = Readonly<Record<string, Remembered<unknown>>>

export interface Commit {
  readonly record: EntryRecord
  readonly happenings: readonly Happening[]
  readonly owed: readonly Owed[]
  /** The entry is no longer configured: forget it once this is told. */
  readonly isGone?: boolean
}

/** What another store has kept in the meantime. */
export interface Kept {
  readonly records: readonly EntryRecord[]
  readonly happenings: readonly Happening[]
  readonly outgoing: readonly Omit<Outgoing, 'id'>[]
  /** Its records are right about what is raised, and under which name; what waits here under another is forgotten. */
  readonly overrules?: boolean
  /** Occurrences that another store declined: what waits of them here is forgotten. */
  readonly declined?: readonly string[]
}

export interface Trouble {
  readonly text: Text
  /** Whether writes reach the place where they should survive. */
  readonly isWritable: boolean
}

/** One line of a problem's timeline. */
export interface Happening {
  readonly at: number
  readonly entry: string
  readonly problem: string
  readonly kind:
    | 'found'
    | 'raised'
    | 'worsened'
    | 'reminded'
    | 'recovered'
    | 'withdrawn'
    | 'cured'
    | 'told'
    | 'approved'
  readonly text: Text
}

export interface Claim {
  readonly channel: string
  readonly at: number
  readonly limit: number
}

export interface Outgoing {
  readonly id: number
  readonly channel: string
  readonly alarm: Alarm
  readonly status: 'pending' | 'sending' | 'sent' | 'failed'
  readonly createdAt: number
  readonly due: number
  readonly attempts: number
  readonly error: string | null
  readonly settledAt: number | null
}

export type Settlement =
  | { readonly id: number; readonly result: 'sent' | 'failed'; readonly at: number; readonly error?: string }
  | {
      readonly id: number
      readonly result: 'retry'
      readonly at: number
      readonly due: number
      readonly error: string
    }

export interface Backlog {
  readonly channel: string
  /** Undelivered alarms, and those given up since the moment asked for. */
  readonly pending: number
  readonly failed: number
  /** When the oldest undelivered alarm was created, wall milliseconds. */
  readonly oldest: number | null
  /** When the first of them may be sent, wall milliseconds. */
  readonly due: number | null
}

export interface CureBegin {
  readonly at: number
  readonly entry: string
  readonly problem: string
  readonly severity: Severity
  readonly title: Text
  readonly actor: string
}

export interface CureRecord extends CureBegin {
  readonly id: number
  /** null: begun and not ended: still running, or the process died in it. */
  readonly trial: Trial | null
}

export interface Approval {
  readonly entry: string
  readonly problem: string
  readonly by: string
  readonly at: number
  readonly until: number
}
