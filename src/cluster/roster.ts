import type { Member } from '../core/cluster.ts'
import type { NodeOutlook } from './node/types.ts'
import { createRing, type Ring } from './ring.ts'

type Seen = Pick<NodeOutlook, 'members' | 'leader'>

/** Whom a node counts among the cluster when it has to do without Redis. */
export interface Roster {
  readonly members: readonly Member[]
  /** The name of the last leader; null: none is known. */
  readonly leader: string | null
}

/**
 * Keeps whom a node has seen lately, unless they took leave. Who vanished has lost Redis perhaps, or has yet to join
 * again after it lost its data: a node that loses Redis then too would else take itself for the only one.
 */
export interface RosterKeeper {
  /** Takes what a heartbeat brought. `now`: monotonic milliseconds. */
  see(seen: Seen, now: number): void
  /** What is known as of this outlook. */
  with(seen: Seen): Roster
}

/** @param patience milliseconds for which who has vanished is still counted */
export function keepRoster(patience: number): RosterKeeper {
  const known = new Map<string, { readonly member: Member; readonly at: number }>()
  let led: { readonly name: string; readonly at: number } | null = null
  return {
    see({ members, leader }, now) {
      for (const member of members) known.set(member.name, { member, at: now })
      for (const [name, { member, at }] of known) {
        const isOver = now - at >= patience || (at < now && member.state === 'leaving')
        if (isOver) known.delete(name)
      }
      if (leader !== null) led = { name: leader.name, at: now }
      else if (led !== null && now - led.at >= patience) led = null
    },
    with({ members, leader }) {
      const names = new Set(members.map(({ name }) => name))
      const vanished = [...known.values()].map(({ member }) => member).filter(({ name }) => !names.has(name))
      return { members: [...members, ...vanished], leader: leader?.name ?? led?.name ?? null }
    },
  }
}

/** The ring of all that can hold seats. */
export function ringOf(members: readonly Member[]): Ring {
  return createRing(members.filter(({ state }) => state !== 'joining').map(({ name }) => name))
}

/**
 * Whom to ask when Redis is lost, and who is to speak, likeliest first: the last leader, the ring, and who was about
 * to join, which may see Redis by now.
 */
export function orderOf({ members, leader }: Roster): readonly string[] {
  const ring = ringOf(members).order('leader', members.length)
  const others = members.map(({ name }) => name).sort()
  return [...new Set([...(leader === null ? [] : [leader]), ...ring, ...others])]
}
