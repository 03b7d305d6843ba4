import { type Cure, placeOf, say, startSupervised } from 'healthz'
import { isLeft } from './groups.ts'
import type { Options } from './options.ts'
import type { Cluster } from './target.ts'

/** Starts the supervisord program whose consumers make the group, if it is down by a fault of its own. */
export function startWorker(worker: NonNullable<Options['worker']>, cluster: Cluster, name: string): Cure {
  return {
    title: say`start ${worker.program} with supervisord`,
    consent: 'auto',
    target: placeOf(worker),
    // Joining and the first commit take a moment.
    settle: 10_000,
    within: 120_000,
    async run({ signal }) {
      const { groups } = await cluster.groups(signal)
      const group = groups.find((found) => found.name === name)
      if (group !== undefined && !isLeft(group)) return
      await startSupervised(worker, signal)
    },
  }
}
