import { CannotTell, say, z } from 'healthz'
import type { Cluster } from './target.ts'

export interface Lifecycle {
  readonly isRunning: boolean
  /** As the server calls it: RUNNING, STOPPING or STOPPED. */
  readonly mode: string
  readonly stuck: readonly Stuck[]
}

export interface Stuck {
  readonly index: string
  readonly policy: string
  /** The step or action that failed. */
  readonly failed: string
}

type Asked = Pick<Cluster, 'api' | 'version'>

/** @throws CannotTell, ConnectionFailure */
export function readLifecycle(target: Asked, signal: AbortSignal): Promise<Lifecycle> {
  return target.version.product === 'opensearch' ? readIsm(target, signal) : readIlm(target, signal)
}

async function readIlm({ api }: Asked, signal: AbortSignal): Promise<Lifecycle> {
  const status = await api.find('/_ilm/status', ilmStatus, signal)
  if (status === null) throw new CannotTell(say`this Elasticsearch has no index lifecycle management`)
  const { indices } = await api.get('/*/_ilm/explain?only_errors=true', ilmErrors, signal)
  const stuck = Object.entries(indices)
    .filter(([, { step }]) => step === 'ERROR')
    .map(([index, { policy, failed_step }]) => ({ index, policy: policy ?? '?', failed: failed_step ?? '?' }))
  const mode = status.operation_mode
  return { isRunning: mode === 'RUNNING', mode, stuck }
}

const ilmStatus = z.looseObject({ operation_mode: z.string() })

const ilmErrors = z.looseObject({
  indices: z.record(
    z.string(),
    z.looseObject({
      step: z.string().optional(),
      policy: z.string().optional(),
      failed_step: z.string().optional(),
    }),
  ),
})

/** It cannot be stopped as a whole. Beside an entry for each index the answer holds their number. */
async function readIsm({ api }: Asked, signal: AbortSignal): Promise<Lifecycle> {
  const raw = await api.find('/_plugins/_ism/explain/*', z.record(z.string(), z.unknown()), signal)
  if (raw === null)
    throw new CannotTell(say`this OpenSearch has no index state management (the plug-in index-management)`)
  const stuck = Object.entries(raw).flatMap(([index, entry]): Stuck[] => {
    if (typeof entry === 'number') return []
    const { success, data } = ismEntry.safeParse(entry)
    if (!success) throw new CannotTell(say`the cluster gave an answer of another form`)
    const { policy_id, action, retry_info, enabled } = data
    const hasFailed = action?.failed === true || retry_info?.failed === true
    if (policy_id == null || enabled === false || !hasFailed) return []
    return [{ index, policy: policy_id, failed: action?.name ?? '?' }]
  })
  return { isRunning: true, mode: 'RUNNING', stuck }
}

const ismEntry = z.looseObject({
  policy_id: z.string().nullish(),
  enabled: z.boolean().nullish(),
  action: z.looseObject({ name: z.string().optional(), failed: z.boolean().nullish() }).nullish(),
  retry_info: z.looseObject({ failed: z.boolean().nullish() }).nullish(),
})
