import type { Plan } from '../core/plan.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import type { Serving } from './serving.ts'

/**
 * The plans of a daemon, one after another: the one that it began with, and each that a reload brings. A plan comes
 * with the signal that ends it; the process asks for the next once all work of the one before has ended.
 */
export async function* plansOf(
  first: Plan,
  { signal, reloads }: Pick<DaemonPorts, 'signal' | 'reloads'>,
  served: Pick<Serving, 'use' | 'reloaded'>,
): AsyncGenerator<readonly [Plan, AbortSignal]> {
  let plan = first
  let next: Plan | null = null
  let ending = new AbortController()
  let isTaken = true
  using _ = reloads((outcome) => {
    isTaken = outcome !== null && needsRestart(plan, outcome).length === 0
    served.reloaded(isTaken)
    if (!isTaken) return
    next = outcome
    ending.abort()
  })
  for (;;) {
    yield [plan, AbortSignal.any([signal, ending.signal])]
    if (signal.aborted || next === null) return
    plan = next
    next = null
    ending = new AbortController()
    await served.use(plan)
    // Another one may have been read, and refused, in the meantime.
    served.reloaded(isTaken)
  }
}

/** The settings that a running daemon cannot change. */
export function needsRestart(before: Plan, after: Plan): string[] {
  const fixed = {
    node: (plan: Plan) => plan.node,
    http: (plan: Plan) => plan.http,
    'store.file': (plan: Plan) => plan.store.file,
    consul: ({ consul }: Plan) => consul && { ...consul, token: consul.token?.reveal() },
    cluster: ({ cluster }: Plan) =>
      cluster && { ...cluster, secret: cluster.secret?.reveal(), redis: revealed(cluster.redis) },
  }
  return Object.entries(fixed).flatMap(([name, of]) =>
    JSON.stringify(of(before)) === JSON.stringify(of(after)) ? [] : [name],
  )
}

function revealed(redis: NonNullable<Plan['cluster']>['redis']) {
  return { ...redis, password: redis.password?.reveal(), sentinelPassword: redis.sentinelPassword?.reveal() }
}
