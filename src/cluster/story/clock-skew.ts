import type { Problem, Step, StepContext } from '../../core/story.ts'
import { milliseconds, type Said, say } from '../../core/text.ts'
import { lasting } from './lasting.ts'
import { clusterLimits } from './limits.ts'
import type { ClusterStoryPorts } from './ports.ts'

/** One clock, by how much it is ahead of that of Redis, and how far that figure can be wrong. Milliseconds. */
interface Reading {
  /** null: the clock of Redis itself. */
  readonly node: { readonly name: string; readonly host: string } | null
  readonly ahead: number
  readonly doubt: number
}

/** Leases do not rest on wall clocks; what people read, cron times and the age of results do. */
export function clockSkew({ records, timing, every }: ClusterStoryPorts): Step {
  return {
    title: say`the clocks of the nodes agree`,
    // What it tells of has lasted.
    confirm: 1,
    async check(context) {
      const nodes = (await records()).members.flatMap(({ name, host, vitals }) =>
        vitals === null
          ? []
          : [{ node: { name, host }, ahead: -vitals.clockOffset, doubt: vitals.roundTrip }],
      )
      if (nodes.length === 0) return
      const redis = { node: null, ahead: 0, doubt: Math.max(...nodes.map(({ doubt }) => doubt)) }
      const middle = median([redis, ...nodes].map(({ ahead }) => ahead))
      const off = offBy(nodes, redis, middle)
      const odd = off.filter(({ doubt, ahead }) => doubt < Math.abs(ahead) / 2)
      const worst = Math.max(...off.map(({ ahead }) => Math.abs(ahead)))
      context.note(say`${milliseconds(worst)} apart at most`)
      const critical = Math.max(clusterLimits.skew, timing.lease * clusterLimits.skewOfLease)
      judge(odd, nodes.length === 1, critical, context, every)
    },
  }
}

/** Each clock against the middle of all. Of two clocks nobody can say which is wrong: the node stands for both. */
function offBy(nodes: readonly Reading[], redis: Reading, middle: number): readonly Reading[] {
  if (nodes.length === 1) return nodes
  return [redis, ...nodes].map((one) => ({ ...one, ahead: one.ahead - middle }))
}

function judge(
  odd: readonly Reading[],
  isPair: boolean,
  critical: number,
  context: StepContext,
  every: number,
): void {
  const graded = odd.flatMap((one) => {
    const key = one.node?.name ?? ''
    const worst = one.node === null ? {} : { critical }
    const severity = context.grade(Math.abs(one.ahead), { warning: clusterLimits.skew, ...worst }, key)
    return severity === null ? [] : [{ ...one, key, severity }]
  })
  const lastsFor = lasting(
    context,
    graded.map(({ key }) => key),
    every,
  )
  for (const { key, severity, node, ahead } of graded) {
    if (lastsFor(key) <= clusterLimits.skewFor) continue
    context.problem({
      key,
      severity,
      ...wordsFor(node, ahead, severity === 'critical' ? critical : clusterLimits.skew, isPair),
      evidence: { node: node?.name ?? null, host: node?.host ?? null, aheadMs: Math.round(ahead) },
    })
  }
}

function wordsFor(
  node: Reading['node'],
  ahead: number,
  limit: number,
  isPair: boolean,
): Pick<Problem, 'summary' | 'advice'> {
  const by = milliseconds(Math.abs(ahead))
  if (node === null) {
    return {
      summary: say`the clock of the coordinating Redis is ${by} ${side(ahead)} those of the nodes (limit ${milliseconds(limit)})`,
      advice: say`let the host of Redis follow a time server (chronyc tracking or timedatectl shows whether it does)`,
    }
  }
  const advice = say`let ${node.host} follow a time server (chronyc tracking or timedatectl shows whether it does); the times in alarms and the cron times of this node are wrong by as much`
  if (isPair)
    return {
      summary: say`the clock of ${node.name} is ${by} ${side(ahead)} that of the coordinating Redis (limit ${milliseconds(limit)}); one of the two is wrong`,
      advice,
    }
  return {
    summary: say`the clock of ${node.name} is ${by} ${side(ahead)} those of the others (limit ${milliseconds(limit)})`,
    advice,
  }
}

const side = (ahead: number): Said => (ahead > 0 ? say`ahead of` : say`behind`)

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  return (lower + upper) / 2
}
