import type { Step } from '../../core/story.ts'
import { count, milliseconds, say } from '../../core/text.ts'
import { clusterLimits } from './limits.ts'
import { type ClusterStoryPorts, redisTime } from './ports.ts'

/** A node that leaves says so, and is not missed. One that says it cannot reach Redis lives: `coordination` tells. */
export function memberLost({ view, records, timing, plan }: ClusterStoryPorts): Step {
  return {
    title: say`no node has vanished`,
    async check({ now, note, problem }) {
      const known = await records()
      const at = redisTime(known, view(), now())
      const isThere = (name: string) => known.members.some((member) => member.name === name)
      const isIsolated = (name: string) =>
        known.isolated.some((one) => one.name === name && at - one.at <= clusterLimits.isolatedFor)
      const lost = known.lost.filter(({ name }) => !isThere(name))
      const left = known.members.length
      const all = left + lost.length
      note(say`${left} of ${count(all, 'node')} are there`)
      for (const { name, host, at: vanishedAt } of lost) {
        const gone = at - vanishedAt
        if (isIsolated(name) || gone <= clusterLimits.lostLeases * timing.lease) continue
        problem({
          key: name,
          severity: left * 2 < all ? 'critical' : 'warning',
          summary: say`${name} on ${host} vanished ${milliseconds(gone)} ago without taking leave: ${left} of ${count(all, 'node')} are left`,
          advice: say`look whether ${host} is up and healthz runs on it, and whether it reaches the coordinating Redis; what it tells about itself is not told until then. ${forgetting(plan)}`,
          evidence: { node: name, host, lastHeard: new Date(vanishedAt).toISOString(), left, known: all },
        })
      }
    },
  }
}

function forgetting({ cluster }: ClusterStoryPorts['plan']) {
  return cluster === null
    ? say`A node that was taken away for good is forgotten after a while`
    : say`A node that was taken away for good is forgotten ${milliseconds(cluster.forgetAfter)} after it vanished`
}
