import { nameOn } from '../../core/entry-name.ts'
import type { Step } from '../../core/story.ts'
import { count, percent, say } from '../../core/text.ts'
import { clusterLimits } from './limits.ts'
import { activeOf, type ClusterStoryPorts } from './ports.ts'

/**
 * A node has more to look at than it soon can: of the rounds that may run at the same time (`limits.concurrency`)
 * nearly all do, on average, as their length and their interval say.
 */
export function probeLoad({ records, entries, ownerOf, plan }: ClusterStoryPorts): Step {
  return {
    title: say`no node has more entries than it can tell`,
    confirm: 3,
    async check({ note, problem, grade }) {
      const known = await records()
      const took = new Map((await entries()).map((record) => [record.name, record.took]))
      const places = plan.limits.concurrency
      const loads = activeOf(known).map(({ name, roles }) => {
        const own = plan.entries.filter((entry) => {
          if (entry.scope === 'node') return entry.role === null || roles.includes(entry.role)
          return (entry.spread === 'leader' ? known.leader?.name : ownerOf(entry.name)) === name
        })
        const busy = own.reduce((sum, { name: entry, scope, pace }) => {
          const lasted = took.get(scope === 'node' ? nameOn(entry, name) : entry) ?? 0
          return 'every' in pace ? sum + lasted / pace.every : sum
        }, 0)
        return { name, entries: own.length, share: (busy / places) * 100 }
      })
      const most = loads.toSorted((a, b) => b.share - a.share)[0]
      if (most === undefined) return
      note(
        say`${most.name} has most to do: ${count(most.entries, 'entry', 'entries')}, ${percent(most.share)} of what it can`,
      )
      for (const { name, entries: number, share } of loads) {
        if (grade(share, { warning: clusterLimits.fullPct }, name) === null) continue
        problem({
          key: name,
          severity: 'warning',
          summary: say`${name} tells ${count(number, 'entry', 'entries')} and is ${percent(share)} busy with it (limit ${percent(clusterLimits.fullPct)} of ${places} rounds at a time)`,
          advice: say`add a node, tell entries less often ("every"), or let more rounds run at the same time ("limits.concurrency")`,
          evidence: { node: name, entries: number, busyPct: Math.round(share), rounds: places },
        })
      }
    },
  }
}
