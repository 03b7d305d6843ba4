import type { ClusterTiming } from '../../../src/core/cluster.ts'

/** As short as the rules allow. */
export const fastTiming: ClusterTiming = {
  beat: 200,
  valid: 1200,
  lease: 2000,
  clockStep: 300,
  settle: 200,
  batch: 100,
}
