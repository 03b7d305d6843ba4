import { type Cure, say } from 'healthz'
import type { Queue } from './queues.ts'
import { type Broker, nodesIfTold } from './target.ts'

/** Offers to spread the leaders of the queues over the nodes, where there are several that run. */
export async function rebalance(
  broker: Broker,
  queue: Queue,
  max: number,
  signal: AbortSignal,
): Promise<{ readonly resolve?: Cure }> {
  const running = (await nodesIfTold(broker, signal)).filter(({ isRunning }) => isRunning)
  if (running.length < 2) return {}
  return {
    resolve: {
      title: say`spread the queues evenly over the ${running.length} nodes`,
      consent: 'ask',
      target: broker.api.address,
      settle: 10_000,
      within: 180_000,
      async run({ signal }) {
        const fresh = await broker.queue(queue, signal)
        if (fresh === null || (fresh.messages ?? 0) <= max) return
        await broker.api.act('POST', '/api/rebalance/queues', signal)
      },
    },
  }
}
