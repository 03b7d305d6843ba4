import type { ClusterPlan } from '../../core/cluster.ts'
import type { Text } from '../../core/text.ts'

export interface Finding {
  readonly summary: Text
  readonly advice: Text
}

/** What a check works with. */
export interface Checking {
  readonly cluster: Pick<ClusterPlan, 'name' | 'redis' | 'minReplicas'>
  /** Milliseconds for each server to connect, and for each answer. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly faults: Finding[]
  readonly warnings: Finding[]
}
