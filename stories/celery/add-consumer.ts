import { type Cure, DidNotHelp, say, z } from 'healthz'
import { queuesOf } from './answers.ts'
import type { Broker } from './workers.ts'

export const addTitle = say`tell a worker to take from the queue, until it restarts`

/** Tells one worker to take from a queue. It forgets that when it restarts. */
export function addConsumer(target: Broker, queue: string, worker: string): Cure {
  return {
    title: say`tell ${worker} to take from ${queue}, until it restarts`,
    consent: 'ask',
    target: `${target.address} ${worker}`,
    async run({ signal }) {
      const depth = await target.depth(queue)
      const destination = [worker]
      const fresh = queuesOf(await target.tell({ method: 'active_queues', destination }, signal)).get(worker)
      if (depth === null || depth.waiting === 0 || fresh?.includes(queue)) return
      const { replies } = await target.tell(
        { method: 'add_consumer', arguments: { queue }, destination },
        signal,
      )
      if (!replies.has(worker)) throw new DidNotHelp(say`the worker ${worker} does not answer`)
      if (!accepted.safeParse(replies.get(worker)).success)
        throw new DidNotHelp(say`the worker ${worker} refused it`)
    },
  }
}

const accepted = z.looseObject({ ok: z.unknown() }).refine(({ ok }) => ok !== undefined)
