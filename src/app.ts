import { launch } from './clients/launch.ts'
import type { EngineEvent, Observe } from './core/observer.ts'
import type { Entry, Plan } from './core/plan.ts'
import { createRedactor, type Redact } from './core/secret.ts'
import type { Store, Trouble } from './core/store.ts'
import { createEngine } from './engine/engine.ts'
import type { Resolving, RoundResult } from './engine/round.ts'
import { systemClock } from './engine/system-clock.ts'
import type { Term } from './engine/term.ts'
import { untold } from './engine/untold.ts'
import { borrowedStore, fileStore, memoryStore, StoreInUse } from './store/open.ts'

export interface DaemonPorts {
  /** Aborts when the daemon shall stop. */
  readonly signal: AbortSignal
  readonly observe: Observe
  /** Called once everything runs, with the port that HTTP listens on (null: none). */
  readonly started: (http: { readonly host: string; readonly port: number } | null) => void
  readonly failed: (what: string, error: unknown) => void
  readonly version: string
}

/**
 * The daemon: opens the store, serves, tells the stories at their pace, and stops in reverse order when the signal
 * aborts. Everything that can fail at the start fails before the first check.
 * @throws StoreInUse, NewerStore, CannotListen.
 */
export async function runDaemon(plan: Plan, resolving: Resolving, ports: DaemonPorts): Promise<void> {
  const clock = systemClock
  await using store = plan.store.file === null ? memoryStore() : fileStore(plan.store.file, clock)
  const observers: Observe[] = [ports.observe]
  await using http = await serveHttp(plan, store, observers, ports)
  const redact = createRedactor(plan.secrets)
  const engine = createEngine(plan, {
    clock,
    store,
    redact,
    launch,
    observe: (event) => tellAll(observers, event),
  })
  const term: Term = { epoch: store.fence.epoch, signal: ports.signal }
  ports.started(plan.http === null || http === null ? null : { host: plan.http.host, port: http.port })
  await engine.run(term, resolving)
}

async function serveHttp(plan: Plan, store: Store, observers: Observe[], ports: DaemonPorts) {
  if (plan.http === null) return null
  const clock = systemClock
  const [{ serve }, { routesOf }, { createMetrics }, { createLiveness }] = await Promise.all([
    import('./http/server.ts'),
    import('./http/routes.ts'),
    import('./http/metrics.ts'),
    import('./http/liveness.ts'),
  ])
  const liveness = createLiveness(plan.entries, clock)
  const metrics = await createMetrics(plan, { store, clock, version: ports.version })
  observers.push(
    (event) => liveness.observe(event),
    (event) => metrics.observe(event),
  )
  const routes = routesOf({
    store,
    language: plan.language,
    liveness,
    isReady: () => !ports.signal.aborted,
    metrics: () => metrics.render(),
  })
  return serve(plan.http, routes, (path, error) => ports.failed(`GET ${path}`, error))
}

function tellAll(observers: readonly Observe[], event: EngineEvent): void {
  for (const observe of observers) observe(event)
}

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
  /** The process that keeps the store, where another one does: this run left no mark and cured nothing. */
  readonly keptBy: number | null
  readonly isBorrowed: boolean
  /** Alarms that no channel took; null: none were to be sent. */
  readonly undelivered: number | null
  /** What is wrong with the store; null: nothing. */
  readonly trouble: Trouble | null
}

/** Tells these entries once, cures, and sends the alarms where asked for. */
export async function runOnce(
  plan: Plan,
  entries: readonly Entry[],
  wish: { readonly resolving: Resolving; readonly alarm: boolean },
  ports: OncePorts,
): Promise<Run> {
  const clock = systemClock
  const [at, start] = [clock.now(), clock.elapsed()]
  const { store, keptBy, isBorrowed } = openForOnce(plan)
  await using keeper = store
  const redact: Redact = createRedactor(plan.secrets)
  // Alarms that nobody asked for are not owed: a person reads the report instead.
  const told = wish.alarm ? plan : { ...plan, channels: [] }
  const engineStore = wish.alarm ? keeper : untold(keeper)
  const engine = createEngine(told, { clock, store: engineStore, redact, launch, observe: ports.observe })
  const term: Term = { epoch: store.fence.epoch, signal: ports.signal }
  const resolving = isBorrowed && wish.resolving === 'yes' ? 'no' : wish.resolving
  const results = await engine.once(entries, term, resolving)
  const took = clock.elapsed() - start
  const undelivered = wish.alarm ? await engine.courier.flush(term) : null
  return { results, at, took, keptBy, isBorrowed, undelivered, trouble: store.trouble() }
}

/** The store of a single run: the file where it is free, else what it holds now, kept in memory. */
function openForOnce(plan: Plan): { store: Store; keptBy: number | null; isBorrowed: boolean } {
  const { file } = plan.store
  if (file === null) return { store: memoryStore(), keptBy: null, isBorrowed: false }
  try {
    return { store: fileStore(file, systemClock), keptBy: null, isBorrowed: false }
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error
    return { store: borrowedStore(file), keptBy: error.pid, isBorrowed: true }
  }
}
