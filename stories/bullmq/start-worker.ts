import { type Cure, placeOf, say, startSupervised } from 'healthz'
import type { Options } from './options.ts'
import type { Queues } from './target.ts'

/** Starts the configured program, unless a worker has come back by itself; null where none is configured for the queue. */
export function startWorker(queue: string, { worker }: Options, target: Queues): Cure | null {
  if (worker === undefined || worker.queues?.includes(queue) === false) return null
  return {
    title: say`start ${worker.program} with supervisord`,
    consent: 'auto',
    target: placeOf(worker),
    settle: 3000,
    within: 90_000,
    async run({ signal }) {
      const workers = (await target.workers()).get(queue) ?? 0
      if (workers === 0) await startSupervised(worker, signal)
    },
  }
}
