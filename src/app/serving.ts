import type { ClusterView } from '../core/cluster.ts'
import type { ObserveAll, WatchmanEvent } from '../core/observer.ts'
import type { Plan } from '../core/plan.ts'
import type { Store } from '../core/store.ts'
import { systemClock } from '../engine/system-clock.ts'
import type { Liveness } from '../http/liveness.ts'
import type { Metrics } from '../http/metrics.ts'
import type { Post } from '../http/server.ts'
import { registerWithConsul } from './consul-registration.ts'

export interface ServingPorts {
  readonly observe: ObserveAll
  readonly failed: (what: string, error: unknown) => void
  readonly version: string
  /** Aborts when the process is on its way out. */
  readonly signal: AbortSignal
  /** What this node knows of the cluster; null: it is alone. */
  readonly view: (() => ClusterView) | null
  /** Takes the requests of peers; null: there are none. */
  readonly peers: Post | null
}

/** What the world sees of this process: everybody who watches the engine, and HTTP where it is on. */
export interface Serving extends AsyncDisposable {
  /** null: HTTP is off. */
  readonly http: { readonly host: string; readonly port: number } | null
  observe(event: WatchmanEvent): void
  /** From now on it speaks of this plan. */
  use(plan: Plan): Promise<void>
  /** Whether the configuration that was read last could be taken over. */
  reloaded(isTaken: boolean): void
}

/** @throws CannotListen */
export async function serving(plan: Plan, store: Store, ports: ServingPorts): Promise<Serving> {
  if (plan.http === null) {
    return {
      http: null,
      observe: ports.observe,
      async use() {},
      reloaded() {},
      async [Symbol.asyncDispose]() {},
    }
  }
  const clock = systemClock
  const [{ serve }, { routesOf }, { createMetrics }, { createLiveness }] = await Promise.all([
    import('../http/server.ts'),
    import('../http/routes.ts'),
    import('../http/metrics.ts'),
    import('../http/liveness.ts'),
  ])
  const watchersOf = async (of: Plan): Promise<{ liveness: Liveness; metrics: Metrics; plan: Plan }> => ({
    plan: of,
    liveness: createLiveness(of.entries, clock),
    metrics: await createMetrics(of, { store, clock, version: ports.version, view: ports.view }),
  })
  let now = await watchersOf(plan)
  const routes = () =>
    routesOf({
      store,
      language: now.plan.language,
      liveness: now.liveness,
      isReady: () => !ports.signal.aborted,
      metrics: () => now.metrics.render(),
      view: ports.view,
    })
  let current = routes()
  const server = await serve(
    plan.http,
    () => current,
    (path, error) => ports.failed(path, error),
    ports.peers,
  )
  const http = { host: plan.http.host, port: server.port }
  const registration = plan.consul && registerWithConsul(plan, plan.consul, http, ports)
  return {
    http,
    observe(event) {
      ports.observe(event)
      now.liveness.observe(event)
      now.metrics.observe(event)
    },
    async use(next) {
      now.metrics.close()
      now = await watchersOf(next)
      current = routes()
    },
    reloaded: (isTaken) => now.metrics.reloaded(isTaken),
    async [Symbol.asyncDispose]() {
      await registration?.[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
