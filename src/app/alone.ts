import { launch } from '../clients/launch.ts'
import type { Plan } from '../core/plan.ts'
import { createRedactor } from '../core/secret.ts'
import type { Store } from '../core/store.ts'
import { createEngine, type EnginePorts } from '../engine/engine.ts'
import type { Resolving } from '../engine/round.ts'
import { systemClock } from '../engine/system-clock.ts'
import { soleTerm } from '../engine/term.ts'
import { fileStore, memoryStore } from '../store/open.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { plansOf } from './reload.ts'
import { serving } from './serving.ts'

/** What holds for a process that has nobody beside it. */
export function unaccompanied(plan: Plan): Pick<EnginePorts, 'mayCure' | 'mayTidy' | 'isWatched'> {
  const names = new Set(plan.entries.map(({ name }) => name))
  return {
    mayCure: () => true,
    mayTidy: () => true,
    isWatched: ({ name }) => name === 'healthz' || names.has(name),
  }
}

/** The store of a plan, as its one process keeps it. */
export function ownStore({ store }: Plan): Store {
  return store.file === null ? memoryStore() : fileStore(store.file, systemClock)
}

/** The daemon of a node that is alone: it tells all, cures all and sends all. */
export async function runAlone(plan: Plan, resolving: Resolving, ports: DaemonPorts): Promise<void> {
  await using store = ownStore(plan)
  await using served = await serving(plan, store, { ...ports, view: null, peers: null })
  const term = soleTerm(store.fence, ports.signal)
  ports.started(served.http)
  for await (const [current, until] of plansOf(plan, ports, served)) {
    const engine = createEngine(current, {
      clock: systemClock,
      store,
      redact: createRedactor(current.secrets),
      launch,
      observe: (event) => served.observe(event),
      ...unaccompanied(current),
    })
    await Promise.all([
      engine.lead(term, until),
      engine.watch([engine.self, ...current.entries], term, resolving, until),
    ])
  }
}
