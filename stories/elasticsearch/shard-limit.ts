import { percent, say, z } from 'healthz'
import { hourly } from './hourly.ts'
import { type Cluster, step } from './target.ts'

/** There is room for new indices below the cluster's own limit. */
export const shardLimit = step({
  title: say`the cluster may still make new shards`,
  confirm: 1,
  limits: z.strictObject({ warnPct: z.number().default(80), critPct: z.number().default(95) }),
  async check(context) {
    const { limits, note, grade, problem, cannotTell } = context
    const { used, most } = await hourly(
      context,
      () => readUse(context),
      ({ used, most }) => most > 0 && (used / most) * 100 <= limits.warnPct * 0.9,
    )
    if (most === 0) cannotTell(say`the cluster does not tell its limit of shards`)
    const share = (used / most) * 100
    note(say`${used} of ${most} shards`)
    const severity = grade(share, { warning: limits.warnPct, critical: limits.critPct })
    if (severity === null) return
    problem({
      severity,
      summary: say`${percent(share)} of the shards are in use that the cluster may have (${used} of ${most}, limit ${percent(severity === 'critical' ? limits.critPct : limits.warnPct)}); at 100 % no index can be made`,
      advice: say`delete old indices, or make fewer and larger ones (shrink, rollover by size); raising cluster.max_shards_per_node is the last resort`,
      evidence: { used, most, share },
    })
  },
})

interface Use {
  readonly used: number
  /** 0 where it is not told. */
  readonly most: number
}

/** Frozen nodes have a limit of their own. */
async function readUse({ target, signal }: { target: Cluster; signal: AbortSignal }): Promise<Use> {
  const [{ shards, dataNodes }, { nodes }, settings] = await Promise.all([
    target.health(signal),
    target.stats(signal),
    target.settings(signal),
  ])
  const frozen = nodes.filter(({ isFrozen }) => isFrozen).length
  const perNode = Number(settings.get('cluster.max_shards_per_node') ?? 0)
  const perFrozen = Number(settings.get('cluster.max_shards_per_node.frozen') ?? 0)
  return {
    used: shards.active + shards.initializing + shards.unassigned,
    most: (dataNodes - frozen) * perNode + frozen * perFrozen,
  }
}
