import { existsSync } from 'node:fs'
import { launch } from '../clients/launch.ts'
import type { Observe } from '../core/observer.ts'
import type { Entry, Plan } from '../core/plan.ts'
import type { CoordinatorLost } from '../core/redis-link.ts'
import { createRedactor, type Redact } from '../core/secret.ts'
import type { Store, Trouble } from '../core/store.ts'
import { createEngine } from '../engine/engine.ts'
import type { Resolving, RoundResult } from '../engine/round.ts'
import { systemClock } from '../engine/system-clock.ts'
import { soleTerm } from '../engine/term.ts'
import { untold } from '../engine/untold.ts'
import { borrowedStore, fileStore, memoryStore, StoreInUse } from '../store/open.ts'
import { unaccompanied } from './alone.ts'

export interface OncePorts {
  readonly signal: AbortSignal
  readonly observe: Observe
}

/** What `--once` came to. */
export interface Run {
  readonly results: readonly RoundResult[]
  /** Wall milliseconds at the start, and how long it took. */
  readonly at: number
  readonly took: number
  /** Who keeps watch beside this run, which then left no mark and cured nothing; null: nobody. */
  readonly keeper: Keeper | null
  /** Alarms that no channel took; null: none were to be sent. */
  readonly undelivered: number | null
  /** What is wrong with the store; null: nothing. */
  readonly trouble: Trouble | null
}

export type Keeper =
  | { readonly type: 'process'; readonly pid: number | null }
  | { readonly type: 'cluster'; readonly name: string; readonly leader: string | null }
  /** Whether the cluster keeps watch cannot be known. */
  | { readonly type: 'unknown'; readonly name: string; readonly error: CoordinatorLost }

/** Tells these entries once, cures, and sends the alarms where asked for and where nobody else does. */
export async function runOnce(
  plan: Plan,
  entries: readonly Entry[],
  wish: { readonly resolving: Resolving; readonly alarm: boolean },
  ports: OncePorts,
): Promise<Run> {
  const clock = systemClock
  const [at, start] = [clock.now(), clock.elapsed()]
  const { store, keeper } = await openForOnce(plan)
  await using kept = store
  const redact: Redact = createRedactor(plan.secrets)
  const mayAlarm = wish.alarm && (keeper === null || keeper.type === 'process')
  // Alarms that nobody asked for are not owed: a person reads the report instead.
  const told = mayAlarm ? plan : { ...plan, channels: [] }
  const engineStore = mayAlarm ? kept : untold(kept)
  const engine = createEngine(told, {
    clock,
    store: engineStore,
    redact,
    launch,
    observe: ports.observe,
    ...unaccompanied(plan),
  })
  const term = soleTerm(store.fence, ports.signal)
  const resolving = keeper !== null && wish.resolving === 'yes' ? 'no' : wish.resolving
  const results = await engine.once(entries, term, resolving)
  const took = clock.elapsed() - start
  const undelivered = mayAlarm ? await engine.courier.flush(term) : null
  return { results, at, took, keeper, undelivered, trouble: store.trouble() }
}

interface Opened {
  readonly store: Store
  readonly keeper: Keeper | null
}

/** The store of a single run: its own where nobody else keeps watch, else a copy of what those have seen. */
async function openForOnce({ cluster, store: { file } }: Plan): Promise<Opened> {
  if (cluster === null) return openOwn(file)
  const { companyIn } = await import('./beside.ts')
  const company = await companyIn(cluster)
  const { name } = cluster
  switch (company.type) {
    case 'nobody':
      return openOwn(file)
    case 'cluster': {
      const store = memoryStore()
      await store.adopt(store.fence, { records: company.records, happenings: [], outgoing: [] })
      return { store, keeper: { type: 'cluster', name, leader: company.leader } }
    }
    case 'lost': {
      const hasJournal = file !== null && existsSync(file)
      const store = hasJournal ? borrowedStore(file) : memoryStore()
      return { store, keeper: { type: 'unknown', name, error: company.error } }
    }
  }
}

function openOwn(file: string | null): Opened {
  if (file === null) return { store: memoryStore(), keeper: null }
  try {
    return { store: fileStore(file, systemClock), keeper: null }
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error
    return { store: borrowedStore(file), keeper: { type: 'process', pid: error.pid } }
  }
}
