import type { Plan } from '../core/plan.ts'
import type { Resolving } from '../engine/round.ts'
import { runAlone } from './alone.ts'
import type { DaemonPorts } from './daemon-ports.ts'

/**
 * The daemon: opens the store, serves, joins its cluster where it has one, tells the stories at their pace, and stops
 * in reverse order when the signal aborts. Everything that can fail at the start fails before the first check.
 * @throws StoreInUse, NewerStore, CannotListen, CannotJoin.
 */
export async function runDaemon(plan: Plan, resolving: Resolving, ports: DaemonPorts): Promise<void> {
  if (plan.cluster === null) return runAlone(plan, resolving, ports)
  const { runInCluster } = await import('./clustered.ts')
  await runInCluster(plan, plan.cluster, resolving, ports)
}
