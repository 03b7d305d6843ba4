import { bytes, say, z } from 'healthz'
import { onEachNode } from './each-node.ts'
import { purgeMemory } from './purge-memory.ts'
import { takenOf } from './taken.ts'
import { step } from './target.ts'

const mebibyte = 1_048_576

/** The memory taken from the host is the memory used. */
export const fragmentation = step({
  title: say`no memory is wasted, and none is swapped out`,
  confirm: 5,
  limits: z.strictObject({
    fragRatio: z.number().default(2),
    fragMinMiB: z.number().min(0).default(512),
    swapRatio: z.number().default(0.9),
    swapMinMiB: z.number().min(0).default(1024),
  }),
  cures: [{ title: say`give unused memory back to the host (MEMORY PURGE)`, consent: 'ask' }],
  check: onEachNode(async ({ node, limits, note, problem }) => {
    const { used, resident, ratio, wasted } = takenOf(await node.info('memory'))
    note(say`${bytes(resident)} taken for ${bytes(used)} of data (ratio ${ratio})`)
    if (ratio > limits.fragRatio && wasted > limits.fragMinMiB * mebibyte) {
      problem({
        key: 'wasted',
        severity: 'warning',
        summary: say`${bytes(resident)} are taken for ${bytes(used)} of data: ratio ${ratio} (limit ${limits.fragRatio}), ${bytes(wasted)} wasted`,
        advice: say`restart a replica and fail over to it, or set activedefrag yes where this build has it; the memory comes back with a restart`,
        evidence: { ratio, wasted, used, resident },
        resolve: purgeMemory(node),
      })
    }
    if (ratio < limits.swapRatio && used > limits.swapMinMiB * mebibyte) {
      problem({
        key: 'swapped',
        severity: 'critical',
        summary: say`only ${bytes(resident)} of ${bytes(used)} of data are in memory (ratio ${ratio}, limit ${limits.swapRatio}): the rest is swapped out`,
        advice: say`free memory on its host or lower maxmemory: every access to swapped data waits for the disk`,
        evidence: { ratio, used, resident },
      })
    }
  }),
})
