import { launch } from '../clients/launch.ts'
import { seatOf } from '../cluster/shards.ts'
import type { ClusterPlan, ClusterView, Seat } from '../core/cluster.ts'
import { nameOn } from '../core/entry-name.ts'
import type { EngineEvent } from '../core/observer.ts'
import type { Dependency, Entry, Plan } from '../core/plan.ts'
import { createRedactor } from '../core/secret.ts'
import type { EntryRecord, Store } from '../core/store.ts'
import { createEngine, type Engine, type EnginePorts } from '../engine/engine.ts'
import { systemClock } from '../engine/system-clock.ts'

/** The work that one plan gives to a node of the cluster, seat by seat. */
export interface Shift {
  readonly plan: Plan
  readonly engine: Engine
  /** Aborts when another plan takes its place. */
  readonly until: AbortSignal
  entriesOn(seat: Seat): readonly Entry[]
}

export interface ShiftPorts {
  readonly store: Store
  readonly observe: (event: EngineEvent) => void
  readonly view: () => ClusterView
  readonly mayCure: () => boolean
  /** The entry that watches the cluster itself; whoever leads tells it. */
  readonly watch: Entry
}

export function shiftOf(plan: Plan, cluster: ClusterPlan, until: AbortSignal, ports: ShiftPorts): Shift {
  const entries = entriesHere(plan)
  const engine = createEngine(
    { ...plan, entries },
    {
      clock: systemClock,
      store: ports.store,
      redact: createRedactor(plan.secrets),
      launch,
      observe: ports.observe,
      mayCure: ports.mayCure,
      ...books(plan, cluster, ports.view),
    },
  )
  const onSeats = Map.groupBy([engine.self, ports.watch, ...entries], (entry) =>
    seatOf(entry, cluster.shards),
  )
  return { plan, engine, until, entriesOn: (seat) => onSeats.get(seat) ?? [] }
}

/**
 * The entries that this node may have to tell: those of the cluster, and those about itself, which bear its name
 * (`host@web1`).
 */
export function entriesHere({ entries, node, roles }: Plan): readonly Entry[] {
  const own = new Set(entries.filter(({ scope }) => scope === 'node').map(({ name }) => name))
  const here = (dependency: Dependency): Dependency =>
    own.has(dependency.entry) ? { ...dependency, entry: nameOn(dependency.entry, node) } : dependency
  return entries.flatMap((entry) => {
    if (entry.scope === 'cluster') return [entry]
    if (entry.role !== null && !roles.includes(entry.role)) return []
    return [{ ...entry, name: nameOn(entry.name, node), dependsOn: entry.dependsOn.map(here) }]
  })
}

/** Whose books may be closed: only while all nodes agree on what is watched. */
function books(
  plan: Plan,
  { forgetAfter }: ClusterPlan,
  view: () => ClusterView,
): Pick<EnginePorts, 'mayTidy' | 'isWatched'> {
  const shared = new Set(plan.entries.filter(({ scope }) => scope === 'cluster').map(({ name }) => name))
  const own = plan.entries.filter(({ scope }) => scope === 'node')
  const isOfMember = ({ name }: EntryRecord) =>
    view().members.some(({ name: node, roles }) =>
      own.some(
        (entry) => nameOn(entry.name, node) === name && (entry.role === null || roles.includes(entry.role)),
      ),
    )
  /** A node that is restarted, or was lost a short while ago, tells its entries again. */
  const mayComeBack = ({ name, at }: EntryRecord) =>
    own.some((entry) => name.startsWith(nameOn(entry.name, ''))) && systemClock.now() - at < forgetAfter
  return {
    mayTidy: () => view().members.every(({ config }) => config === plan.hash),
    isWatched: (record) =>
      ['healthz', 'cluster'].includes(record.name) ||
      shared.has(record.name) ||
      isOfMember(record) ||
      mayComeBack(record),
  }
}
