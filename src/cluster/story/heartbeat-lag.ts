import type { Vitals } from '../../core/cluster.ts'
import type { Problem, Step } from '../../core/story.ts'
import { count, milliseconds, type Said, say } from '../../core/text.ts'
import { lasting } from './lasting.ts'
import { clusterLimits } from './limits.ts'
import { activeOf, type ClusterStoryPorts, type Peer } from './ports.ts'

interface Late {
  readonly peer: Peer
  readonly vitals: Vitals
  readonly cause: 'loop' | 'answer' | 'interval'
}

/** Heartbeats that come late come too late one day, and the node is taken for dead. */
export function heartbeatLag({ records, timing, every }: ClusterStoryPorts): Step {
  const limit = clusterLimits.lateBeats * timing.beat
  return {
    title: say`heartbeats come in time`,
    // What it tells of has lasted.
    confirm: 1,
    async check(context) {
      const active = activeOf(await records())
      const late = active.flatMap((peer) => lateOf(peer, limit))
      const lastsFor = lasting(
        context,
        late.map(({ peer }) => peer.name),
        every,
      )
      const roundTrips = active.flatMap(({ vitals }) => vitals?.roundTrip ?? [])
      if (roundTrips.length > 0)
        context.note(say`Redis answers within ${milliseconds(Math.max(...roundTrips))}`)
      const told = late.filter(({ peer }) => lastsFor(peer.name) > clusterLimits.lateFor)
      const answers = told.filter(({ cause }) => cause === 'answer')
      // One cause, one problem: where most nodes wait for Redis, it is Redis that is slow.
      const isRedis = answers.length > 2 && answers.length * 2 > active.length
      if (isRedis) context.problem(slowRedis(answers, active.length, limit))
      for (const one of told)
        if (!(isRedis && one.cause === 'answer')) context.problem(lateNode(one, timing.beat, limit))
    },
  }
}

function lateOf(peer: Peer, limit: number): Late[] {
  const { vitals } = peer
  if (vitals === null || Math.max(vitals.roundTrip, vitals.interval) <= limit) return []
  if (vitals.loopLag > clusterLimits.loopLag) return [{ peer, vitals, cause: 'loop' }]
  return [{ peer, vitals, cause: vitals.roundTrip > limit ? 'answer' : 'interval' }]
}

function slowRedis(late: readonly Late[], all: number, limit: number): Problem {
  const roundTrips = late.map(({ vitals }) => vitals.roundTrip)
  return {
    severity: 'warning',
    summary: say`the coordinating Redis is slow: ${late.length} of ${count(all, 'node')} wait between ${milliseconds(Math.min(...roundTrips))} and ${milliseconds(Math.max(...roundTrips))} for the answer to a heartbeat (limit ${milliseconds(limit)})`,
    advice: say`look at slow commands (SLOWLOG GET), the load and the swapping of its host, and the network to it; when it gets slower, nodes will be taken for dead`,
    evidence: { nodes: late.length, worstMs: Math.max(...roundTrips), limitMs: limit },
  }
}

function lateNode({ peer, vitals, cause }: Late, beat: number, limit: number): Problem {
  const { roundTrip, interval, loopLag } = vitals
  return {
    key: peer.name,
    severity: 'warning',
    ...wordsFor(cause, peer, vitals, beat, limit),
    evidence: {
      node: peer.name,
      host: peer.host,
      roundTripMs: roundTrip,
      intervalMs: interval,
      loopLagMs: loopLag,
    },
  }
}

function wordsFor(
  cause: Late['cause'],
  { name, host }: Peer,
  { roundTrip, interval, loopLag }: Vitals,
  beat: number,
  limit: number,
): { summary: Said; advice: Said } {
  switch (cause) {
    case 'loop':
      return {
        summary: say`healthz on ${name} is too busy for its heartbeats: its event loop lags ${milliseconds(loopLag)} (limit ${milliseconds(clusterLimits.loopLag)}), and they come ${milliseconds(interval)} apart instead of ${milliseconds(beat)}`,
        advice: say`look at the CPU and the swapping of ${host}; give the process more, or let it check less. When it gets worse, ${name} will be taken for dead`,
      }
    case 'answer':
      return {
        summary: say`the coordinating Redis answers the heartbeats of ${name} only after ${milliseconds(roundTrip)} (limit ${milliseconds(limit)})`,
        advice: say`look at the network between ${host} and Redis. When it gets worse, ${name} will be taken for dead`,
      }
    case 'interval':
      return {
        summary: say`the heartbeats of ${name} come ${milliseconds(interval)} apart instead of ${milliseconds(beat)} (limit ${milliseconds(limit)})`,
        advice: say`some of them fail: look in the log of healthz on ${host} for why, and at its network to Redis. When it gets worse, ${name} will be taken for dead`,
      }
  }
}
