import { bytes, CannotTell, percent, type RedisConnection, type RedisInfo, say, type Text, z } from 'healthz'
import { onEachNode } from './each-node.ts'
import { containerLimit } from './local-host.ts'
import { step } from './target.ts'

/** There is memory left for more data. */
export const memory = step({
  title: say`there is memory left`,
  limits: z.strictObject({
    warnPct: z.number().default(80),
    critPct: z.number().default(95),
    limitMiB: z
      .number()
      .positive()
      .meta({ description: 'what a server without maxmemory may use, such as the limit of its container' })
      .optional(),
  }),
  check: onEachNode(async ({ node, options, limits, note, problem, grade }) => {
    const info = await node.info('memory', 'server', 'replication')
    const used = info.number('used_memory') - info.numberOr('mem_not_counted_for_evict', 0)
    const { size, kind } = await ceilingOf(node, info, limits.limitMiB)
    const share = (used / size) * 100
    const policy = info.textOr('maxmemory_policy', 'noeviction')
    note(say`${bytes(used)} of ${bytes(size)} ${kind.name} used (${percent(share)})`)
    // A full cache that makes room for itself is at work; the step about evictions tells when it does so too often.
    if (options.use === 'cache' && kind === ceilings.maxmemory && policy !== 'noeviction') return
    const severity = grade(share, { warning: limits.warnPct, critical: limits.critPct })
    if (severity === null) return
    const limit = percent(severity === 'critical' ? limits.critPct : limits.warnPct)
    problem({
      severity,
      summary: say`memory is ${percent(share)} full (${bytes(used)} of ${bytes(size)} ${kind.name}, limit ${limit})`,
      advice: kind.advice,
      evidence: { used, limit: size, share, policy },
    })
  }),
})

interface Ceiling {
  readonly size: number
  readonly kind: (typeof ceilings)[keyof typeof ceilings]
}

const larger = say`find the largest keys with redis-cli --memkeys, let data expire sooner, raise maxmemory or use a larger server`
const ceilings = {
  maxmemory: { name: say`maxmemory`, advice: larger },
  container: {
    name: say`allowed to its container`,
    advice: say`set maxmemory below that limit, or the server is killed when it reaches it; find the largest keys with redis-cli --memkeys`,
  },
  host: {
    name: say`of its host`,
    advice: say`set maxmemory, or the host kills a process when its memory is full; find the largest keys with redis-cli --memkeys`,
  },
} as const satisfies Record<string, { name: Text; advice: Text }>

/** A replica does not heed maxmemory: its master evicts for it. */
async function ceilingOf(
  node: RedisConnection,
  info: RedisInfo,
  limitMiB: number | undefined,
): Promise<Ceiling> {
  const maxmemory = info.textOr('role', 'master') === 'master' ? info.numberOr('maxmemory', 0) : 0
  if (maxmemory > 0) return { size: maxmemory, kind: ceilings.maxmemory }
  if (limitMiB !== undefined) return { size: limitMiB * 1_048_576, kind: ceilings.container }
  const container = await containerLimit(node.address, info)
  const host = info.numberOr('total_system_memory', 0)
  if (container !== null && (host === 0 || container < host))
    return { size: container, kind: ceilings.container }
  if (host > 0) return { size: host, kind: ceilings.host }
  throw new CannotTell(
    say`it has no maxmemory and does not say how much its host has: set maxmemory, or limitMiB of this step`,
  )
}
