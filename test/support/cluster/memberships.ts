import { join, type Membership, type SeatTerm } from '../../../src/cluster/membership.ts'
import { connectLink } from '../../../src/cluster/redis/link.ts'
import { createCoordinator, hintChannel, prefixOf } from '../../../src/cluster/scripts/scripts.ts'
import { candidates, shardsOf } from '../../../src/cluster/shards.ts'
import type { ClusterTiming, Seat } from '../../../src/core/cluster.ts'
import type { ClusterEvent } from '../../../src/core/observer.ts'
import { systemClock } from '../../../src/engine/system-clock.ts'
import { coordinatorPlan } from './coordinator.ts'
import { memberInfo } from './requests.ts'
import { fastTiming } from './timing.ts'

/** One member that is no process of its own, and what it was given to do. */
export interface TestMember extends AsyncDisposable {
  readonly name: string
  readonly membership: Membership
  readonly events: readonly ClusterEvent[]
  /** The spells whose work goes on now. */
  readonly working: ReadonlyMap<Seat, SeatTerm>
  /** What it asked to be remembered on disk. */
  readonly saved: () => { readonly key: string; readonly floor: number } | null
}

/** Joins a cluster over a real Redis. The work of a seat lasts until it is asked to end. */
export function startMember(
  port: number,
  cluster: string,
  name: string,
  more: {
    readonly timing?: ClusterTiming
    readonly shards?: number
    readonly before?: Parameters<typeof join>[1]
    /** The work of a seat, in place of waiting for its end. */
    readonly work?: (term: SeatTerm) => Promise<void>
  } = {},
): TestMember {
  const { timing = fastTiming, shards = 64, before = { floor: 0 }, work } = more
  const events: ClusterEvent[] = []
  const working = new Map<Seat, SeatTerm>()
  let saved: { key: string; floor: number } | null = null
  const link = connectLink(coordinatorPlan([port]), {
    name: 'control',
    commandTimeout: timing.beat * 0.9,
    connectTimeout: 1000,
    slotKey: prefixOf(cluster),
  })
  const coordinator = createCoordinator(link, { cluster, timing, server: () => link.server() })
  const membership = join(cluster, before, {
    clock: systemClock,
    coordinator,
    reset: () => link.reset(),
    settings: {
      name,
      timing,
      info: JSON.stringify(memberInfo(name)),
      shardsOf: (active, self) => shardsOf(active, self, shards),
      candidates,
      newKey: () => `${name}@${crypto.randomUUID().slice(0, 8)}`,
      random: Math.random,
    },
    observe: (event) => events.push(event),
    async work(term) {
      working.set(term.seat, term)
      await (work ?? ended)(term)
      if (working.get(term.seat) === term) working.delete(term.seat)
    },
    save: (kept) => {
      saved = { ...kept }
    },
    lost: () => {},
    back: () => {},
    emptied: () => {},
    rounds: () => ({ told: 0, overran: 0 }),
  })
  const hints = link.subscribe(hintChannel(cluster), () => membership.hint())
  return {
    name,
    membership,
    events,
    working,
    saved: () => saved,
    async [Symbol.asyncDispose]() {
      await membership.leave(0)
      await hints[Symbol.asyncDispose]()
      await coordinator[Symbol.asyncDispose]()
    },
  }
}

function ended({ until }: SeatTerm): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (until.aborted) resolve()
  else until.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
