import { type Cure, placeOf, say, startSupervised } from 'healthz'
import type { Worker } from './options.ts'
import { isOrphan, type Queue } from './queues.ts'
import type { Broker } from './target.ts'

/** Starts the supervisord program that consumes from the queue, if it is down by a fault of its own. */
export function startWorker(worker: Worker, queue: Queue, broker: Broker): Cure {
  return {
    title: say`start ${worker.program} with supervisord`,
    consent: 'auto',
    target: placeOf(worker),
    // The broker's figures may be five seconds old.
    settle: 6000,
    within: 90_000,
    async run({ signal }) {
      const fresh = await broker.queue(queue, signal)
      if (fresh !== null && isOrphan(fresh)) await startSupervised(worker, signal)
    },
  }
}
