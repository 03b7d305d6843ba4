import { setTimeout as sleep } from 'node:timers/promises'
import { bytes, type Cure, DidNotHelp, type RedisConnection, say } from 'healthz'
import { act } from './act.ts'
import { takenOf } from './taken.ts'

/** A purge that gives back less than this share of what is wasted was not worth it. */
const worthwhile = 0.2

/** Gives pages that the allocator keeps back to the host; what is scattered between data stays wasted. */
export function purgeMemory(node: RedisConnection): Cure {
  return {
    title: say`give unused memory back to the host (MEMORY PURGE)`,
    consent: 'ask',
    target: node.address,
    settle: 500,
    within: 30_000,
    async run({ signal }) {
      const before = takenOf(await node.info('memory'))
      await act(node, 'MEMORY', 'PURGE')
      // Redis looks at its own size ten times a second.
      await sleep(300, undefined, { signal })
      const after = takenOf(await node.info('memory'))
      if (after.wasted > before.wasted * (1 - worthwhile))
        throw new DidNotHelp(
          say`it gave back only ${bytes(Math.max(0, before.wasted - after.wasted))} of ${bytes(before.wasted)}`,
        )
    },
  }
}
