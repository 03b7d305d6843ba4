import type { Member } from '../core/cluster.ts'
import type { NodeOutlook } from './node/types.ts'

type Seen = Pick<NodeOutlook, 'generation' | 'members' | 'leader'>

/** Whom a node counts among the cluster when it has to do without Redis. */
export interface Roster {
  readonly members: readonly Member[]
  /** The name of the last leader; null: none is known. */
  readonly leader: string | null
}

/**
 * Keeps whom a node knew before Redis lost its data, until all that live have had the time to join again. Who loses
 * Redis a second time within that time would else take itself for the only one.
 */
export interface RosterKeeper {
  /** Takes what a heartbeat brought. `now`: monotonic milliseconds. */
  see(seen: Seen, now: number): void
  /** What is known as of this outlook. */
  with(seen: Seen): Roster
}

/** @param patience milliseconds that nodes may take to join again after Redis has lost its data */
export function keepRoster(patience: number): RosterKeeper {
  let last: { readonly generation: string; readonly roster: Roster } | null = null
  let kept: { readonly roster: Roster; readonly until: number } | null = null

  const merged = ({ members, leader }: Seen): Roster => {
    const names = new Set(members.map(({ name }) => name))
    const missing = kept?.roster.members.filter(({ name }) => !names.has(name)) ?? []
    return { members: [...members, ...missing], leader: leader?.name ?? kept?.roster.leader ?? null }
  }

  return {
    see(seen, now) {
      if (last !== null && last.generation !== seen.generation)
        kept = { roster: last.roster, until: now + patience }
      else if (kept !== null && now >= kept.until) kept = null
      last = { generation: seen.generation, roster: merged(seen) }
    },
    with: merged,
  }
}
