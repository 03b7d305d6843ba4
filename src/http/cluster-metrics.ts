import type { Counter, Gauge, Histogram } from 'prom-client'
import type { ClusterView } from '../core/cluster.ts'
import type { WatchmanEvent } from '../core/observer.ts'

export interface Makers {
  gauge<Label extends string = never>(name: string, help: string, labelNames?: Label[]): Gauge<Label>
  counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label>
  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ): Histogram<Label>
}

/** The figures of a node in its cluster. */
export function clusterMetrics({ gauge, counter, histogram }: Makers) {
  const leader = gauge('leader', '1 while this node leads its cluster.')
  const epoch = gauge('leader_epoch', 'The epoch of the leader that this node knows of; 0: of none.')
  const changes = counter('leader_changes_total', 'Changes of leader that this node has seen.', [])
  const members = gauge('ring_members', 'Active members that this node knows of.')
  const seats = gauge('seats_held', 'Shards whose entries this node tells.')
  const duration = histogram(
    'heartbeat_duration_seconds',
    'How long a heartbeat was on its way to Redis and back.',
    [],
    roundTrips,
  )
  const failures = counter('heartbeat_failures_total', 'Heartbeats that Redis did not take, by reason.', [
    'class',
  ])
  const degraded = gauge('degraded', '1 while the coordinating Redis is lost.')
  return {
    observe(event: WatchmanEvent): void {
      if (event.type === 'beat') duration.observe(event.took / 1000)
      else if (event.type === 'beat-failed') failures.inc({ class: event.fault })
      else if (event.type === 'leader-changed' && event.name !== null) changes.inc()
    },
    read(view: ClusterView): void {
      leader.set(view.leader?.name === view.self && view.seats.includes('leader') ? 1 : 0)
      epoch.set(view.leader?.epoch ?? 0)
      members.set(view.members.filter(({ state }) => state === 'active').length)
      seats.set(view.seats.filter((seat) => seat.startsWith('shard:')).length)
      degraded.set(view.mode === 'degraded' ? 1 : 0)
    },
  }
}

const roundTrips = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
