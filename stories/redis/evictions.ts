import { count, milliseconds, type RedisConnection, say, z } from 'healthz'
import { type Counted, compareEachNode } from './each-node.ts'
import { growth } from './growth.ts'
import { step } from './target.ts'

interface Sample extends Counted {
  readonly evicted: number
}

/** No data is thrown away to make room; a cache may do so now and then. */
export const evictions = step({
  title: say`no data is thrown away to make room`,
  limits: z.strictObject({
    perMin: z.number().min(0).meta({ description: 'default 0, for a cache 1000' }).optional(),
  }),
  check: compareEachNode(
    sampleOf,
    async ({ options, limits, before, after, apart, note, problem, grade }) => {
      const evicted = growth(before.evicted, after.evicted)
      const perMin = (evicted / apart) * 60_000
      const limit = limits.perMin ?? (options.use === 'cache' ? 1000 : 0)
      note(say`${count(evicted, 'key')} evicted in ${milliseconds(apart)}`)
      const isTooMany = grade(perMin, { warning: limit }) !== null
      if (!isTooMany) return
      const isBroker = options.use === 'broker'
      problem({
        severity: isBroker ? 'critical' : 'warning',
        summary: say`${count(evicted, 'key')} evicted in ${milliseconds(apart)} to make room: ${Math.ceil(perMin)} a minute (limit ${limit})`,
        advice: isBroker
          ? say`queues lose tasks silently: give it more memory, and set maxmemory-policy noeviction`
          : say`give it more memory or let data expire sooner; where keys may be lost, set "use: cache"`,
        evidence: { evicted, perMin, limit },
      })
    },
  ),
})

async function sampleOf(node: RedisConnection): Promise<Sample> {
  const info = await node.info('server', 'stats')
  return { run: info.text('run_id'), evicted: info.number('evicted_keys') }
}
