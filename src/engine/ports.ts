import type { Clock } from '../core/clock.ts'
import type { EntryState } from '../core/judge.ts'
import type { Observe } from '../core/observer.ts'
import type { AlarmPolicy, Entry, Limits } from '../core/plan.ts'
import type { Redact } from '../core/secret.ts'
import type { Samples, Store } from '../core/store.ts'
import type { Census } from './census.ts'
import type { Locks } from './locks.ts'

export interface ExaminePorts {
  /** Starts a program that goes on by itself. */
  readonly launch: (argv: readonly string[], signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly redact: Redact
  readonly observe: Observe
}

/** What is known of the entry before it is told again. */
export interface Memory {
  readonly state: EntryState
  readonly samples: Samples
}

export interface RoundPorts extends ExaminePorts {
  readonly store: Store
  /** All entries of the plan, for what one of them depends on. */
  readonly entries: readonly Entry[]
  readonly census: Census
  readonly locks: Locks
  /** Bounds how many entries are looked at, and how many cures run, at the same time. */
  readonly examinePool: Pool
  readonly curePool: Pool
  readonly limits: Limits
  readonly alarms: AlarmPolicy
  /** Whether cures may run at this moment. */
  readonly mayCure: () => boolean
  /** The names of all channels. */
  readonly channels: readonly string[]
}

export type Pool = <Result>(work: () => Promise<Result>) => Promise<Result>
