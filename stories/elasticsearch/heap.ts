import { type Problem, percent, say, z } from 'healthz'
import type { Node } from './node-stats.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'

/** No node's heap stays full, or makes it spend its time collecting garbage. */
export const heap = step({
  title: say`every node has heap left`,
  limits: z.strictObject({
    warnPct: z.number().default(85),
    critPct: z.number().default(95),
    gcPct: z.number().meta({ description: 'share of time for collecting old garbage' }).default(10),
  }),
  // The least of several samples is judged, so one look at them is enough.
  confirm: 1,
  async check({ target, limits, signal, now, note, recall, remember, grade, problem, cannotTell }) {
    const { nodes } = await target.stats(signal)
    const last = recall<Readonly<Record<string, Seen>>>()
    const apart = last === null ? 0 : now() - last.at
    const seen = Object.fromEntries(nodes.map((node) => [node.id, seenOf(node, last?.value[node.id])]))
    remember(seen)
    const found: Problem[] = []
    for (const node of nodes) {
      const { heaps = [] } = seen[node.id] ?? {}
      if (node.heapUsedPct !== null) note(say`${node.name}: ${percent(node.heapUsedPct)} of its heap`)
      const [warning, critical] = [leastOf(heaps, 5), leastOf(heaps, 3)]
      const severity =
        (critical === null ? null : grade(critical, { critical: limits.critPct }, `heap ${node.name}`)) ??
        (warning === null ? null : grade(warning, { warning: limits.warnPct }, `heap ${node.name}`))
      if (severity !== null) {
        const least = (severity === 'critical' ? critical : warning) ?? 0
        found.push({
          key: `heap ${node.name}`,
          severity,
          summary: say`node ${node.name} uses ${percent(least)} of its heap or more all the time (limit ${percent(severity === 'critical' ? limits.critPct : limits.warnPct)})`,
          advice: say`look for large aggregations, field data and too many shards on it (GET /_nodes/stats/indices); give it more heap, up to half of its memory and 31 GB`,
          evidence: { node: node.name, heapUsedPct: node.heapUsedPct, least },
        })
      }
      const before = last?.value[node.id]
      if (before === undefined || apart < leastApart || !isSameLife(before, node)) continue
      if (node.oldGc === null || before.oldGc === null) continue
      const share = ((node.oldGc - before.oldGc) / apart) * 100
      if (grade(share, { warning: limits.gcPct }, `gc ${node.name}`) === null) continue
      found.push({
        key: `gc ${node.name}`,
        severity: 'warning',
        confirm: 2,
        summary: say`node ${node.name} spends ${percent(share)} of its time collecting garbage (limit ${percent(limits.gcPct)})`,
        advice: say`its heap is too small for what it does: look for large aggregations and field data, and give it more`,
        evidence: { node: node.name, share },
      })
    }
    tellAll(found, { problem, note })
    const blank = nodes.filter(({ heapUsedPct }) => heapUsedPct === null).map(({ name }) => name)
    if (blank.length > 0) cannotTell(say`these nodes do not tell of their heap: ${blank}`)
  },
})

/** A single collection fills a shorter time, in milliseconds. */
const leastApart = 1000

interface Seen {
  /** The shares of the last tellings, in percent: a heap fills and empties in turn, so the least of them counts. */
  readonly heaps: readonly number[]
  readonly oldGc: number | null
  readonly uptime: number | null
}

function seenOf(node: Node, before: Seen | undefined): Seen {
  const heaps = before !== undefined && isSameLife(before, node) ? before.heaps : []
  const now = node.heapUsedPct === null ? [] : [node.heapUsedPct]
  return { heaps: [...heaps, ...now].slice(-5), oldGc: node.oldGc, uptime: node.uptime }
}

/** A restart empties the heap and resets the counters. */
export function isSameLife(before: Pick<Seen, 'uptime'>, { uptime }: Pick<Node, 'uptime'>): boolean {
  return before.uptime !== null && uptime !== null && uptime >= before.uptime
}

function leastOf(samples: readonly number[], needed: number): number | null {
  return samples.length < needed ? null : Math.min(...samples.slice(-needed))
}
