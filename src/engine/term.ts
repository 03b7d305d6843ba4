import type { Fence } from '../core/store.ts'

/** One spell of being allowed to leave marks: an epoch, and a signal that ends with it. */
export interface Term extends Fence {
  readonly signal: AbortSignal
}
