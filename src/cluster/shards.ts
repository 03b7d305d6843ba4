import { createHash } from 'node:crypto'
import type { Seat } from '../core/cluster.ts'
import type { Entry } from '../core/plan.ts'
import { createRing } from './ring.ts'

/** The seat whose holder tells the entry. */
export function seatOf(
  { name, scope, spread }: Pick<Entry, 'name' | 'scope' | 'spread'>,
  shards: number,
): Seat {
  if (scope === 'node') return 'node'
  return spread === 'leader' ? 'leader' : `shard:${shardOf(name, shards)}`
}

/** The shard of an entry, from 0: its name alone decides, on every node and in every version. */
export function shardOf(name: string, shards: number): number {
  return createHash('sha256').update(name).digest().readUInt32BE() % shards
}

/** The shards that the ring of active members gives to one of them, in order. Asks the ring once for each shard. */
export function shardsOf(active: readonly string[], self: string, shards: number): readonly Seat[] {
  const ring = createRing(active)
  return Array.from({ length: shards }, (_, shard) => `shard:${shard}` as const).filter(
    (seat) => ring.owner(seat) === self,
  )
}

/** All active members, in the order in which they try to become leader. */
export function candidates(active: readonly string[]): readonly string[] {
  return createRing(active).order('leader', active.length)
}
