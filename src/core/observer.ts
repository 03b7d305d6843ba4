import type { ClusterView, CoordinatorFault, Seat } from './cluster.ts'
import type { Transition, Trial } from './judge.ts'
import type { Outcome, Report } from './outcome.ts'

/** What the engine says as it happens, for metrics and the live view. Nothing may be decided by it. Times in ms. */
export type EngineEvent =
  | { readonly type: 'round-began'; readonly entry: string }
  | {
      readonly type: 'step-ended'
      readonly entry: string
      readonly step: string
      readonly outcome: Outcome
      readonly took: number
    }
  | { readonly type: 'cure-began'; readonly entry: string; readonly problem: string }
  | {
      readonly type: 'cure-ended'
      readonly entry: string
      readonly step: string
      readonly result: Trial['result']
    }
  | {
      readonly type: 'round-ended'
      readonly entry: string
      readonly report: Report
      readonly transitions: readonly Transition[]
    }
  | { readonly type: 'round-overran'; readonly entry: string }
  | { readonly type: 'round-failed'; readonly entry: string; readonly error: unknown }
  /** The term ended in it: nothing was decided. */
  | { readonly type: 'round-interrupted'; readonly entry: string }
  | {
      readonly type: 'alarm-settled'
      readonly channel: string
      readonly result: 'sent' | 'retry' | 'failed'
      /** From the owing of the alarm until now. */
      readonly waited: number
      /** Why it failed, or which receivers refused what others took. */
      readonly error: string | null
    }
  | { readonly type: 'courier-failed'; readonly channel: string; readonly error: unknown }
  | { readonly type: 'fenced'; readonly act: string }

/** What the membership says as it happens. Times in ms. */
export type ClusterEvent =
  /** A heartbeat was taken; how long it was on its way. */
  | { readonly type: 'beat'; readonly took: number }
  | { readonly type: 'beat-failed'; readonly fault: CoordinatorFault }
  | { readonly type: 'leader-changed'; readonly name: string | null; readonly epoch: number }
  | { readonly type: 'seat-gained'; readonly seat: Seat; readonly epoch: number }
  | { readonly type: 'seat-lost'; readonly seat: Seat; readonly why: string }
  | {
      readonly type: 'mode-changed'
      readonly mode: ClusterView['mode']
      readonly fault: CoordinatorFault | null
    }
  /** Another live member has this node's name. */
  | { readonly type: 'duplicate-name'; readonly name: string }
  | { readonly type: 'data-lost' }

export type WatchmanEvent = EngineEvent | ClusterEvent

export type Observe = (event: EngineEvent) => void
export type ObserveAll = (event: WatchmanEvent) => void
