import type { Options } from './options.ts'
import type { Broker } from './workers.ts'

/** How many tasks wait in each of the queues; a queue that is not there is left out. @throws CannotTell */
export async function waitingOf(
  target: Broker,
  { queues }: Pick<Options, 'queues'>,
): Promise<ReadonlyMap<string, number>> {
  const depths = await Promise.all(queues.map(async (queue) => [queue, await target.depth(queue)] as const))
  return new Map(
    depths.flatMap(([queue, depth]) => (depth === null ? [] : [[queue, depth.waiting] as const])),
  )
}

export const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0)
