import type { Text } from '../core/text.ts'

/** What is wrong with the coordinating Redis, and what to do about it. */
export interface JoinFault {
  readonly summary: Text
  readonly advice: Text
}

/** Thrown at the start when a node can never be part of its cluster as things are configured. */
export class CannotJoin extends Error {
  override readonly name = 'CannotJoin'
  readonly faults: readonly JoinFault[]

  constructor(faults: readonly JoinFault[]) {
    super('the cluster cannot be joined')
    this.faults = faults
  }
}
