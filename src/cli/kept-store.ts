import type { ClusterPlan } from '../core/cluster.ts'
import type { Plan } from '../core/plan.ts'
import type { Store } from '../core/store.ts'
import { render, say } from '../core/text.ts'
import { visitStore } from '../store/open.ts'
import { CommandFault } from './context.ts'
import { asking } from './coordinator.ts'
import { startFault } from './start-fault.ts'

/** What a command needs of a store. */
export type KeptStore = Pick<Store, 'entries' | 'approve'> & AsyncDisposable

/** The store of a plan, beside the processes that keep it; a message for the person where there is none. */
export async function keptStore(plan: Plan, { isWriting = false } = {}): Promise<KeptStore> {
  if (plan.cluster !== null) return clusterStore(plan, plan.cluster)
  const { file } = plan.store
  if (file === null) {
    throw new CommandFault(
      render(
        say`healthz: the store of this configuration is in memory; ask the daemon by HTTP: /api/v1/problems`,
        plan.language,
      ),
    )
  }
  const store = visit(file, isWriting, plan)
  if (store === null) {
    throw new CommandFault(
      render(
        say`healthz: there is no store ${file} yet; start the daemon (-d) or run --once first`,
        plan.language,
      ),
    )
  }
  return {
    entries: async () => store.entries(),
    approve: async (approval) => store.approve(approval),
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]()
    },
  }
}

function visit(file: string, isWriting: boolean, plan: Plan) {
  try {
    return visitStore(file, { isWriting })
  } catch (error) {
    throw startFault(error, plan) ?? error
  }
}

/** The store that the nodes of a cluster share. */
async function clusterStore(plan: Plan, cluster: ClusterPlan): Promise<KeptStore> {
  const { redisReader } = await import('../store/redis.ts')
  const { link, ask, prefix } = await asking(plan, cluster)
  const store = redisReader(link, prefix)
  return {
    entries: () => ask(() => store.entries()),
    approve: (approval) => ask(() => store.approve(approval)),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}
