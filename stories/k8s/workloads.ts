import { duration, milliseconds, type Problem, say, type Text, tellSome, z } from 'healthz'
import { restartRollout } from './cures.ts'
import { conditionOf, daemonSetShape, scaledShape, type Workload, type WorkloadKind } from './objects.ts'
import { type Cluster, eachKind, step } from './target.ts'

/** By workload: since when it lacks replicas, and whether that was told. */
type Lacking = Readonly<Record<string, { readonly since: number; readonly isTold: boolean }>>

const kinds: readonly WorkloadKind[] = [
  { title: 'Deployment', resource: 'deployments', shape: scaledShape },
  { title: 'StatefulSet', resource: 'statefulsets', shape: scaledShape },
  { title: 'DaemonSet', resource: 'daemonsets', shape: daemonSetShape },
]

/** Every workload has the pods that it should. A rollout gets its time. */
export const workloads = step({
  title: say`every workload has all of its pods`,
  limits: z.strictObject({ after: duration('15m') }),
  // It has lasted that long.
  confirm: 1,
  cures: [{ title: say`restart the rollout of the workload`, consent: 'ask' }],
  async check({ target, limits, signal, recall, remember, note, problem, cannotTell }) {
    const before = recall<Lacking>()?.value ?? {}
    const after: Record<string, Lacking[string]> = {}
    let seen = 0
    const look = async (kind: WorkloadKind) => {
      const { items, at } = await target.list('/apis/apps/v1', kind.resource, kind.shape, signal)
      seen += items.length
      return items.flatMap((workload) => {
        const key = `${kind.title} ${workload.namespace}/${workload.name}`
        if (workload.ready >= workload.desired) return []
        const earlier = before[key]
        const since = Math.min(earlier?.since ?? at, unavailableSince(workload) ?? at)
        const isTold =
          earlier?.isTold === true || hasGivenUp(workload) || isOver(workload, at, since, limits.after)
        after[key] = { since, isTold }
        return isTold ? [lacking(target, kind, workload, key, at - since, limits.after)] : []
      })
    }
    const { found, untold } = await eachKind(kinds.map((kind) => () => look(kind)))
    // What could not be seen this time is not forgotten.
    remember(untold.length > 0 ? { ...before, ...after } : after)
    note(say`${seen} workloads`)
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

const unavailableSince = ({ conditions }: Workload) => {
  const available = conditionOf(conditions, 'Available')
  return available?.status === 'False' ? available.since : null
}

/** Its rollout made no progress within `progressDeadlineSeconds`: Kubernetes itself has stopped waiting. */
const hasGivenUp = ({ conditions }: Workload) =>
  conditionOf(conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded'

/** While a rollout makes progress within its own deadline, the pods that it replaces are not missed. */
function isOver({ conditions }: Workload, at: number, since: number, after: number): boolean {
  if (at - since < after) return false
  const progressing = conditionOf(conditions, 'Progressing')
  const isRolling = progressing?.status === 'True' && progressing.reason !== 'NewReplicaSetAvailable'
  return !isRolling || progressing.since === null || at - progressing.since >= after
}

function lacking(
  target: Cluster,
  kind: WorkloadKind,
  workload: Workload,
  key: string,
  age: number,
  after: number,
): Problem {
  const { name, namespace, ready, desired, isPaused } = workload
  return {
    key,
    severity: ready === 0 ? 'critical' : 'warning',
    summary: say`${key} has ${ready} of ${desired} pods ready for ${milliseconds(age)} (limit ${milliseconds(after)})${whyOf(workload)}`,
    advice: isPaused
      ? say`its rollout is paused: ask who paused it, then: kubectl rollout resume ${kind.title}/${name} -n ${namespace}`
      : say`see what its pods wait for: kubectl describe ${kind.title} ${name} -n ${namespace}, and: kubectl get events -n ${namespace}`,
    evidence: { kind: kind.title, namespace, name, ready, desired },
    ...(!isPaused && { resolve: restartRollout(target, kind, workload) }),
  }
}

function whyOf(workload: Workload): Text {
  const failure = conditionOf(workload.conditions, 'ReplicaFailure')
  if (failure?.status === 'True') return say`, because pods cannot be made: ${failure.reason}`
  return hasGivenUp(workload) ? say`, and its rollout has made no progress within its deadline` : ''
}
