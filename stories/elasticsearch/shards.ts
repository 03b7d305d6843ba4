import { CannotTell, count, duration, milliseconds, say, type Text, z } from 'healthz'
import { type Explanation, explain } from './explanation.ts'
import { namesOf } from './names.ts'
import { retry, retryTitle } from './retry.ts'
import { type Cluster, step } from './target.ts'

/** Every shard has a node. */
export const shards = step({
  title: say`every shard has a node`,
  limits: z.strictObject({
    moveMin: duration('30m').meta({ description: 'how long shards may be on the move' }),
  }),
  cures: [{ title: retryTitle, consent: 'auto' }],
  async check({ target, limits, signal, now, note, recall, remember, problem }) {
    const { shards, indices, dataNodes } = await target.health(signal)
    const moving = shards.initializing + shards.relocating
    note(
      say`${shards.active} in use, ${shards.unassigned} without a node (${shards.delayed} wait for theirs), ${moving} on the move`,
    )
    const since = moving > 0 ? (recall<{ readonly since: number | null }>()?.value.since ?? now()) : null
    remember({ since })
    const age = since === null ? 0 : now() - since
    if (age >= limits.moveMin) {
      problem({
        key: 'moving',
        severity: 'warning',
        confirm: 1,
        summary: say`${count(moving, 'shard')} have been on the move for ${milliseconds(age)} (limit ${milliseconds(limits.moveMin)})`,
        advice: say`see GET /_cat/recovery?active_only=true: a slow disk or network, or a limit (indices.recovery.max_bytes_per_sec) that is too low`,
        evidence: { initializing: shards.initializing, relocating: shards.relocating, since },
      })
    }
    const red = indices.filter(({ missingPrimaries }) => missingPrimaries > 0)
    if (shards.unassigned - shards.delayed <= 0) return
    const why = await explainedIfTold(target, signal)
    const cure = why?.hasGivenUp === true ? { resolve: retry(target.api) } : {}
    // Shards that come into being have no node for a moment: only those that nobody works on are missing.
    const missing = red.reduce((sum, { missingPrimaries }) => sum + missingPrimaries, 0) - shards.initializing
    if (missing > 0) {
      problem({
        key: 'primary',
        severity: 'critical',
        summary: say`no node holds ${count(missing, 'shard')} of ${namesOf(red.map(({ name }) => name))}${reasonOf(why)}`,
        advice: adviceOn(why),
        evidence: {
          missing,
          indices: red.length,
          shard: why?.shard ?? null,
          attempts: why?.attempts ?? null,
        },
        ...cure,
      })
      return
    }
    if (why?.hasGivenUp !== true) {
      if (dataNodes > 1) note(say`a copy without a node${reasonOf(why)}`)
      return
    }
    problem({
      key: 'copy',
      severity: 'warning',
      summary: say`the cluster has given up on placing copies of shards (${shards.unassigned} have no node)${reasonOf(why)}`,
      advice: adviceOn(why),
      evidence: { unassigned: shards.unassigned, shard: why.shard, attempts: why.attempts },
      ...cure,
    })
  },
})

/** What is missing stands without the reason. */
async function explainedIfTold({ api }: Cluster, signal: AbortSignal): Promise<Explanation | null> {
  try {
    return await explain(api, signal)
  } catch (error) {
    if (error instanceof CannotTell) return null
    throw error
  }
}

function reasonOf(why: Explanation | null): Text {
  if (why === null) return ''
  if (why.isLost) return say`; ${why.shard} is on none of the nodes that are there`
  return why.reasons.length === 0 ? '' : say`; ${why.shard}: ${why.reasons}`
}

function adviceOn(why: Explanation | null): Text {
  if (why === null) return say`GET /_cluster/allocation/explain says why`
  if (why.isLost)
    return say`start the node that holds it; only if that is gone for good, restore the index from a snapshot`
  if (why.hasGivenUp)
    return say`mend what made it fail (GET /_cluster/allocation/explain quotes the error), then run POST /_cluster/reroute?retry_failed=true`
  return say`change what keeps it off the nodes, or add a node that may take it; GET /_cluster/allocation/explain tells it node by node`
}
