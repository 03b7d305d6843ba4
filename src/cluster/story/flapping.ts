import type { ClusterRecords } from '../../core/cluster.ts'
import type { Step } from '../../core/story.ts'
import { count, milliseconds, type Said, say } from '../../core/text.ts'
import { clusterLimits } from './limits.ts'
import { type ClusterStoryPorts, redisTime } from './ports.ts'

type Change = ClusterRecords['changes'][number]

/** Each change costs a short time without a leader. A deploy restarts every node once, which is fine. */
export function flapping({ view, records, timing }: ClusterStoryPorts): Step {
  const { changes: limit, changesWithin } = clusterLimits
  return {
    title: say`the lead stays where it is`,
    // What it counts has happened.
    confirm: 1,
    async check({ now, note, problem }) {
      const known = await records()
      const at = redisTime(known, view(), now())
      const changes = unexplained(known, at, timing.lease)
      note(say`${count(changes.length, 'change')} of leader within ${milliseconds(changesWithin)}`)
      if (changes.length <= limit) return
      const leaders = [...new Set(changes.map(({ name }) => name))]
      const { words, evidence } = slowest(known)
      problem({
        severity: 'warning',
        summary: say`the leader changed ${count(changes.length, 'time')} within ${milliseconds(changesWithin)} (limit ${limit}), among ${leaders}`,
        advice: say`a leader loses its seat when its heartbeats come late: look at the load of these nodes, of Redis and of the network between them${words}`,
        evidence: { changes: changes.length, leaders: leaders.join(', '), ...evidence },
      })
    },
  }
}

/** The changes within the window, without the first leader ever and without one restart of each node. */
function unexplained(known: ClusterRecords, at: number, lease: number): readonly Change[] {
  const excused = new Set<string>()
  return known.changes.filter((change, index) => {
    const before = known.changes[index - 1]
    if (before === undefined || at - change.at > clusterLimits.changesWithin) return false
    if (excused.has(before.name) || !wasRestarted(before.name, change.at, known, at, lease)) return true
    excused.add(before.name)
    return false
  })
}

/** Whether the node that led until then has started since, or taken leave. */
function wasRestarted(
  name: string,
  changedAt: number,
  { members, lost }: ClusterRecords,
  at: number,
  lease: number,
): boolean {
  const member = members.find((one) => one.name === name)
  if (member === undefined) return !lost.some((one) => one.name === name)
  return member.vitals !== null && at - member.vitals.uptime > changedAt - lease
}

function slowest({ members }: ClusterRecords): {
  words: Said | string
  evidence: Readonly<Record<string, string | number>>
} {
  const told = members.flatMap(({ name, vitals }) => (vitals === null ? [] : [{ name, ...vitals }]))
  const late = told.toSorted((a, b) => b.roundTrip - a.roundTrip)[0]
  const busy = told.toSorted((a, b) => b.loopLag - a.loopLag)[0]
  if (late === undefined || busy === undefined) return { words: '', evidence: {} }
  return {
    words: say`; the slowest answer is now that to ${late.name} (${milliseconds(late.roundTrip)}), the busiest process that of ${busy.name} (its event loop lags ${milliseconds(busy.loopLag)})`,
    evidence: { slowestNode: late.name, roundTripMs: late.roundTrip, loopLagMs: busy.loopLag },
  }
}
