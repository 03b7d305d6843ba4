import { createDegraded } from '../cluster/degraded.ts'
import type { NodeOutlook } from '../cluster/node/types.ts'
import type { PeerRequest, PeerResponse } from '../cluster/peers/server.ts'
import { keepRoster, orderOf, type Roster, ringOf } from '../cluster/roster.ts'
import { reportIsolated } from '../cluster/scripts/scripts.ts'
import { seatOf } from '../cluster/shards.ts'
import type { ClusterPlan, ClusterView } from '../core/cluster.ts'
import type { EngineEvent } from '../core/observer.ts'
import type { Entry, Plan } from '../core/plan.ts'
import type { RedisLink } from '../core/redis-link.ts'
import type { Kept, Store } from '../core/store.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import { keyOf, mostAlarms } from './outage.ts'
import { beginSpell, type Spell } from './spell.ts'

/** What a node does by itself while the coordinating Redis is lost: it looks on, and somebody is told. */
export interface StandIn extends AsyncDisposable {
  /** Answers peers; null: nodes of this cluster do not talk to each other. */
  readonly peers: ((request: PeerRequest) => Promise<PeerResponse>) | null
  /** The plan to go by, and the entry that watches the cluster. */
  use(plan: Plan, watch: Entry): void
  /** A heartbeat was not taken. */
  suspect(): void
  /** A heartbeat was taken, and Redis does not count as lost. */
  relax(outlook: NodeOutlook): void
  begin(outlook: NodeOutlook): void
  /** Resolves once it writes nothing more to the journal. */
  end(): Promise<void>
}

export interface StandInPorts {
  /** This node's own store. */
  readonly journal: Store
  /** The store of the cluster. */
  readonly shared: Store
  readonly link: RedisLink
  readonly view: () => ClusterView
  /** null: this node has not begun to join. */
  readonly outlook: () => NodeOutlook | null
  readonly observe: (event: EngineEvent) => void
}

/** For how many leases a node that has vanished is still taken for one of the cluster. */
const leasesRemembered = 12

export function createStandIn(
  { node }: Plan,
  cluster: ClusterPlan,
  { journal, shared, link, view, outlook: now, observe }: StandInPorts,
): StandIn {
  let plan: Plan | null = null
  let watch: Entry | null = null
  let spell: Spell | null = null
  const ended = new Set<Promise<void>>()
  const keeper = keepRoster(leasesRemembered * cluster.timing.lease)
  const roster = (): Roster => keeper.with(now() ?? { members: [], leader: null })

  const degraded =
    cluster.secret === null
      ? null
      : createDegraded({
          self: node,
          cluster: cluster.name,
          secret: cluster.secret,
          clock,
          timing: cluster.timing,
          peersOf: () => roster().members.filter(({ name }) => name !== node),
          seeds: cluster.peers,
          health: () => ({
            beatAge: view().lastBeatAge,
            fault: view().fault,
            canTell: plan === null || plan.channels.length > 0,
          }),
          speak: (outage, isNew) => spell?.speak(outage, isNew),
          changed: () => spell?.changed(),
          accept: (alarms) => accept(alarms),
          reported: async (missing) => {
            for (const one of missing) await reportIsolated(link, cluster.name, one)
          },
        })

  /** Alarms of a node that cannot send them: into the store of the cluster where this node sees it, else its own. */
  async function accept(alarms: Kept['outgoing']) {
    const isServed = view().mode === 'member'
    const store = isServed ? shared : journal
    const declined = await store.adopt(store.fence, { records: [], happenings: [], outgoing: alarms })
    spell?.wake()
    const known = new Map((await store.alarms(mostAlarms)).map((one) => [keyOf(one), one]))
    const taken = alarms.filter(({ alarm }) => !declined.includes(alarm.occurrence))
    // What is no more among the latest was settled long ago.
    const isDone = (one: Kept['outgoing'][number]) => (known.get(keyOf(one))?.status ?? 'sent') === 'sent'
    const named = (some: Kept['outgoing']) =>
      some.map(({ channel, alarm }) => ({ channel, dedupKey: alarm.dedupKey }))
    const sent = named(taken.filter(isDone))
    return { sent, pending: named(taken.filter((one) => !isDone(one))), declined }
  }

  return {
    peers: degraded === null ? null : (request) => degraded.handle(request),
    use(next, entry) {
      plan = next
      watch = entry
    },
    suspect: () => degraded?.suspect(orderOf(roster())),
    relax(outlook) {
      keeper.see(outlook, clock.elapsed())
      degraded?.end()
    },
    begin(outlook) {
      if (spell !== null || plan === null || watch === null) return
      // Those that nobody can ask whether they are there tell what is theirs by themselves.
      const { members, leader } = outlook
      const known = degraded === null ? { members, leader: leader?.name ?? null } : keeper.with(outlook)
      const order = orderOf(known)
      const ring = ringOf(known.members)
      const outage = {
        cluster: cluster.name,
        generation: outlook.generation,
        lastEpoch: outlook.leader?.epoch ?? 0,
      }
      // Nodes that lost Redis at different moments know different last leaders; who the voice is they agree on.
      const leading = () => (degraded === null ? order[0] : degraded.voice()) ?? null
      const ownerOf = (entry: Entry) => {
        const seat = seatOf(entry, cluster.shards)
        if (seat === 'node') return node
        return seat === 'leader' ? leading() : ring.owner(seat)
      }
      spell = beginSpell({
        plan,
        watch,
        cluster,
        journal,
        view,
        observe,
        degraded,
        ownerOf,
        names: known.members.map(({ name }) => name),
        since: outlook.lastBeat?.wall ?? clock.now(),
      })
      if (degraded === null) spell.speak(outage, true)
      else degraded.begin(outage, order)
    },
    async end() {
      degraded?.end()
      const over = spell?.end()
      spell = null
      if (over === undefined) return
      ended.add(over)
      await over.finally(() => ended.delete(over))
    },
    async [Symbol.asyncDispose]() {
      const over = spell?.end()
      spell = null
      await Promise.all([...ended, over])
      await degraded?.[Symbol.asyncDispose]()
    },
  }
}
