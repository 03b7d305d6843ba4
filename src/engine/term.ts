import type { Fence } from '../core/store.ts'

/** One spell of being allowed to leave marks: an epoch, and a signal that ends with it. */
export interface Term extends Fence {
  readonly signal: AbortSignal
  /**
   * Whether it is over, by the clock and not by a timer: a process that was stopped and woken learns it here before
   * any timer has run. Asked right before whatever cannot be taken back.
   */
  isOver(): boolean
}

/** The term of a process that has nobody beside it: it lasts as long as the process may run. */
export function soleTerm(fence: Fence, signal: AbortSignal): Term {
  return { ...fence, signal, isOver: () => signal.aborted }
}
