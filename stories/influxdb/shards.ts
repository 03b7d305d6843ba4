import { bytes, count, milliseconds, say, z } from 'healthz'
import { growth } from './growth.ts'
import { step } from './target.ts'

interface Sample {
  readonly life: string
  readonly compactionErrors: number
}

/** There are not too many shards, and they can be compacted. */
export const shards = step({
  title: say`shards are few and can be compacted`,
  on: false,
  limits: z.strictObject({ max: z.int().min(1).default(1000) }),
  async check({ target, limits, signal, note, problem, compare, grade }) {
    const take = async (): Promise<Sample> => {
      const { life, compactionErrors } = await target.figures(signal)
      return { life, compactionErrors }
    }
    const { before, after, apart } = await compare(take, (before, after) => before.life === after.life)
    const { shards, cacheBytes } = await target.figures(signal)
    note(say`${count(shards, 'shard')}, ${bytes(cacheBytes)} in their caches`)
    if (grade(shards, { warning: limits.max }, 'many') !== null) {
      problem({
        key: 'many',
        severity: 'warning',
        summary: say`there are ${count(shards, 'shard')} (limit ${limits.max})`,
        advice: say`each takes memory and time at the start: keep data for a shorter time, or give the retention policy a longer shard duration`,
        evidence: { shards, limit: limits.max },
      })
    }
    const failed = growth(before.compactionErrors, after.compactionErrors)
    if (failed === 0) return
    problem({
      key: 'compaction',
      severity: 'warning',
      confirm: 1,
      summary: say`${count(failed, 'compaction')} failed in ${milliseconds(apart)}`,
      advice: say`see in the log of InfluxDB which shard it is: a damaged file or a full disk; influx_inspect verify finds damaged ones`,
      evidence: { failed },
    })
  },
})
