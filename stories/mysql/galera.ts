import { type Problem, say, z } from 'healthz'
import { isOn, step } from './target.ts'

/** The node is a full member of its Galera cluster, and the cluster is whole. */
export const galera = step({
  title: say`the node serves, and its Galera cluster is whole`,
  on: ({ expectNodes }) => expectNodes !== undefined,
  confirm: 3,
  limits: z.strictObject({ recvQueue: z.int().positive().default(100) }),
  async check({ target, options, limits, note, problem, cannotTell }) {
    const [row] = await target.ask('select @@wsrep_on as isOn')
    // A plain MariaDB also says wsrep_ready=OFF: only this variable tells it from a node in trouble.
    if (!isOn(row, 'isOn'))
      return cannotTell(say`the server is no member of a Galera cluster: wsrep_on is off`)
    const status = await target.status(...statusNames)
    note(
      say`${status['wsrep_local_state_comment'] ?? '?'}, ${Number(status['wsrep_cluster_size'] ?? 0)} nodes`,
    )
    for (const found of judgeNode(status, options.expectNodes ?? 0, limits.recvQueue)) problem(found)
  },
})

const statusNames = [
  'wsrep_ready',
  'wsrep_cluster_status',
  'wsrep_local_state',
  'wsrep_local_state_comment',
  'wsrep_local_recv_queue',
  'wsrep_cluster_size',
]

/** What is wrong with a node that says this of itself. */
export function judgeNode(
  status: Readonly<Record<string, string>>,
  expectNodes: number,
  mostQueued: number,
): readonly Problem[] {
  const found: Problem[] = []
  const clusterStatus = status['wsrep_cluster_status'] ?? ''
  const state = status['wsrep_local_state_comment'] ?? ''
  const queued = Number(status['wsrep_local_recv_queue'] ?? 0)
  const size = Number(status['wsrep_cluster_size'] ?? 0)

  if (clusterStatus !== 'Primary' || status['wsrep_ready'] !== 'ON') {
    found.push({
      severity: 'critical',
      summary:
        clusterStatus === 'Primary'
          ? say`the node refuses queries: it is not ready (state ${state})`
          : say`the node refuses queries: it is cut off from the majority of its cluster (status ${clusterStatus})`,
      advice: say`look whether the other nodes run and can be reached from this one; read the log of the last state transfer before you restart a node`,
      evidence: { clusterStatus, ready: status['wsrep_ready'] ?? null, state },
    })
    return found
  }
  if (!isServing(status['wsrep_local_state'], queued, mostQueued)) {
    found.push({
      key: 'state',
      severity: 'warning',
      summary: say`the node is not in step with its cluster (state ${state}, ${queued} changes wait to be applied)`,
      advice: say`wait for it to catch up; if it does not, read its log for the state transfer`,
      evidence: { state, queued },
    })
  }
  if (size < expectNodes) {
    found.push({
      key: 'size',
      severity: 'warning',
      summary: say`the cluster has ${size} of ${expectNodes} nodes`,
      advice: say`find the node that is missing and let it join again`,
      evidence: { size, expectNodes },
    })
  }
  return found
}

/** Synced, or a donor that keeps up. */
function isServing(state: string | undefined, queued: number, mostQueued: number): boolean {
  return state === '4' || (state === '2' && queued <= mostQueued)
}
