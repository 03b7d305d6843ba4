import type { CoordinatorFault, CoordinatorPlan } from '../../core/cluster.ts'
import type { Finding } from '../../core/outcome.ts'
import type { Step } from '../../core/story.ts'
import { count, type Said, say, time } from '../../core/text.ts'
import { manners, redisName } from './faults.ts'
import { clusterLimits } from './limits.ts'
import { type ClusterStoryPorts, redisTime } from './ports.ts'

/**
 * Nodes that cannot reach Redis while others can say so over HTTP. Where none can, nobody tells this step: whoever is
 * picked among them raises `coordinationLost` for it, and the first telling after that ends it.
 */
export function coordination({ view, records, timing, plan }: ClusterStoryPorts): Step {
  return {
    title: say`every node reaches the coordinating Redis`,
    async check({ now, note, problem, cannotTell }) {
      const lost = view().fault
      if (lost !== null) cannotTell(say`${redisName(plan.cluster?.redis)} is lost: ${manners[lost].words}`)
      const known = await records()
      const at = redisTime(known, view(), now())
      const beating = known.members.filter(({ beatAge }) => beatAge < timing.valid)
      note(say`${count(beating.length, 'node')} with a heartbeat`)
      for (const { name, at: saidAt, fault } of known.isolated) {
        const isBack = beating.some((member) => member.name === name)
        if (isBack || at - saidAt > clusterLimits.isolatedFor) continue
        const { words, alone } = manners[fault]
        problem({
          key: name,
          severity: 'warning',
          summary: say`${name} cannot reach the coordinating Redis, while other nodes can: ${words}`,
          advice: alone(name),
          evidence: { node: name, fault, saidAt: new Date(saidAt).toISOString() },
        })
      }
    },
  }
}

/** What the nodes know of each other when Redis is lost. */
export interface Outage {
  readonly fault: CoordinatorFault
  /** Wall milliseconds. */
  readonly since: number
  /** The names of the nodes that hear each other, the teller's own among them; and of those nobody hears. */
  readonly reachable: readonly string[]
  readonly missing: readonly string[]
  /** The highest epoch they know: it gives the alarms of nodes that do not hear each other the same key. */
  readonly lastEpoch: number
  readonly redis?: CoordinatorPlan | undefined
}

/** The problem of the step `coordination` with the key '': no node that the teller hears can use Redis. */
export function coordinationLost(outage: Outage): Finding {
  const { fault, since, reachable, missing, lastEpoch, redis } = outage
  const { words, advice } = manners[fault]
  return {
    key: '',
    severity: 'critical',
    summary: say`${redisName(redis)} is lost since ${time(since)}: ${words}; ${heard(reachable, missing)}`,
    advice: say`${advice}. Until it is back checks and alarms go on and nothing is cured`,
    evidence: {
      fault,
      since: new Date(since).toISOString(),
      reachable: reachable.join(', '),
      missing: missing.join(', '),
      lastEpoch,
    },
    confirm: 1,
    ...(lastEpoch > 0 && { spell: lastEpoch }),
  }
}

function heard(reachable: readonly string[], missing: readonly string[]): Said {
  if (reachable.length < 2)
    return missing.length === 0
      ? say`this node knows of no other`
      : say`${reachable} hears none of the other nodes: ${missing}`
  if (missing.length === 0) return say`all ${count(reachable.length, 'node')} hear each other: ${reachable}`
  return say`${reachable} hear each other, but not ${missing}`
}
