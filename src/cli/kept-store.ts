import type { Plan } from '../core/plan.ts'
import { render, say } from '../core/text.ts'
import { visitStore } from '../store/open.ts'
import { CommandFault } from './context.ts'
import { startFault } from './start-fault.ts'

/** The store of a plan, beside the process that keeps it; a message for the person where there is none. */
export function keptStore(plan: Plan, { isWriting = false } = {}) {
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
  return store
}

function visit(file: string, isWriting: boolean, plan: Plan) {
  try {
    return visitStore(file, { isWriting })
  } catch (error) {
    throw startFault(error, plan) ?? error
  }
}
