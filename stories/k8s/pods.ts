import { count, duration, milliseconds, type Problem, say, tellSome, z } from 'healthz'
import { deletePod } from './cures.ts'
import { conditionOf, type Pod, type PodContainer } from './objects.ts'
import { type Counted, countedAfter, restartsWithin } from './restart-count.ts'
import { step } from './target.ts'
import { type Trouble, troubleOf } from './trouble.ts'

interface Sample {
  /** By owner and container: since when it is in trouble. An owner outlives its pods. */
  readonly troubled: Readonly<Record<string, number>>
  /** By pod and container: its restarts. */
  readonly restarts: Readonly<Record<string, Counted>>
}

const hour = 3_600_000

/** Pods run and stay up. Those of jobs may end as they like: the step `jobs` tells of them. */
export const pods = step({
  title: say`no pod crashes, waits or is killed`,
  limits: z.strictObject({
    troubleAfter: duration('5m').describe('how long a container may crash or lack its image'),
    pendingAfter: duration('15m'),
    warnRestarts: z.int().min(1).default(3).describe('of a container, within an hour'),
    steady: duration('30s').describe('how long a new pod must stay up after a cure'),
  }),
  // It has lasted that long, or is a fact.
  confirm: 1,
  cures: [{ title: say`delete one crashing pod, for its controller to make it anew`, consent: 'ask' }],
  async check({ target, limits, signal, recall, remember, note, problem }) {
    const { items, at } = await target.pods(signal)
    const lasting = items.filter(
      ({ phase, owner, isLeaving }) => phase !== 'Succeeded' && owner?.kind !== 'Job' && !isLeaving,
    )
    note(say`${count(lasting.length, 'pod')}`)
    const before = recall<Sample>()?.value ?? { troubled: {}, restarts: {} }
    const troubled: Record<string, number> = {}
    const restarts: Record<string, Counted> = {}
    const found = new Map<string, Problem>()
    let mayDelete: boolean = true
    for (const pod of lasting) {
      for (const container of pod.containers) {
        const id = `${pod.uid} ${container.name}`
        if (container.restarts > 0) restarts[id] = countedAfter(before.restarts[id], pod, container, at)
        const key = `${ownerOf(pod)} ${container.name}`
        const trouble =
          troubleOf(container) ?? (isBetweenCrashes(container, before.troubled[key], at) ? 'crash' : null)
        if (trouble !== null) {
          const since = Math.min(troubled[key] ?? at, before.troubled[key] ?? notReadySince(pod) ?? at)
          troubled[key] = since
          if (at - since >= limits.troubleAfter && !found.has(key)) {
            const canDelete: boolean = mayDelete && trouble === 'crash' && pod.owner !== null
            const cure = canDelete ? { resolve: deletePod(target, pod, limits.steady) } : {}
            mayDelete &&= !canDelete
            found.set(key, {
              ...troubleFound(pod, container, trouble, at - since, limits.troubleAfter),
              key,
              ...cure,
            })
          }
          continue
        }
        const often = restartsWithin(restarts[id] ?? [], at, hour)
        if (often >= limits.warnRestarts)
          found.set(`${key} restarts`, restarted(pod, container, often, limits.warnRestarts))
      }
      for (const container of pod.containers) {
        const key = `${ownerOf(pod)} ${container.name} memory`
        if (isKilled(container, at) && !found.has(key)) found.set(key, killed(pod, container, at))
      }
      const pending = pendingFor(pod, at)
      if (pending !== null && pending >= limits.pendingAfter)
        found.set(`${ownerOf(pod)} pending`, pendingFound(pod, pending, limits.pendingAfter))
    }
    remember({ troubled, restarts } satisfies Sample)
    tellSome(
      [...found].map(([key, one]) => ({ ...one, key })),
      problem,
    )
  },
})

const ownerOf = ({ namespace, name, owner }: Pod) =>
  owner === null ? `${namespace}/${name}` : `${namespace}/${owner.kind}/${owner.name}`

const titleOf = ({ namespace, name }: Pod, { name: container }: PodContainer) =>
  say`${container} in the pod ${namespace}/${name}`

const notReadySince = ({ conditions }: Pod) => {
  const ready = conditionOf(conditions, 'ContainersReady') ?? conditionOf(conditions, 'Ready')
  return ready?.status === 'False' ? ready.since : null
}

/** It runs for moments between two crashes; only after ten good minutes the kubelet forgets them. */
function isBetweenCrashes(
  { last, runningSince }: PodContainer,
  since: number | undefined,
  at: number,
): boolean {
  if (since === undefined || last === null || last.exitCode === 0) return false
  return runningSince === null || at - runningSince < 600_000
}

function troubleFound(
  pod: Pod,
  container: PodContainer,
  trouble: Trouble,
  age: number,
  after: number,
): Omit<Problem, 'key'> {
  const { namespace, name } = pod
  const times = say`${milliseconds(age)} (limit ${milliseconds(after)})`
  const evidence = {
    namespace,
    pod: name,
    container: container.name,
    waiting: container.waiting,
    restarts: container.restarts,
    exitCode: container.last?.exitCode ?? null,
  }
  if (trouble === 'crash') {
    const code = container.last === null ? '?' : String(container.last.exitCode)
    return {
      severity: 'critical',
      summary: say`${titleOf(pod, container)} has been crashing for ${times}, the last time with exit code ${code}`,
      advice: say`see why it ends: kubectl logs ${name} -c ${container.name} -n ${namespace} --previous`,
      evidence,
    }
  }
  return {
    severity: 'critical',
    summary:
      trouble === 'image'
        ? say`${titleOf(pod, container)} has lacked its image for ${times}: ${container.waiting}`
        : say`${titleOf(pod, container)} has lacked what its settings name for ${times}: ${container.waiting}`,
    advice:
      trouble === 'image'
        ? say`check the name and the tag of the image, that its registry answers, and imagePullSecrets: kubectl describe pod ${name} -n ${namespace}`
        : say`make the ConfigMap, the Secret or the key that it names: kubectl describe pod ${name} -n ${namespace}`,
    evidence,
  }
}

function restarted(pod: Pod, container: PodContainer, often: number, limit: number): Problem {
  return {
    severity: 'warning',
    summary: say`${titleOf(pod, container)} was restarted ${count(often, 'time')} within ${milliseconds(hour)} (limit ${limit})`,
    advice: say`see why it ends: kubectl logs ${pod.name} -c ${container.name} -n ${pod.namespace} --previous; a liveness probe may be too strict`,
    evidence: { namespace: pod.namespace, pod: pod.name, container: container.name, restarts: often },
  }
}

const isKilled = ({ last }: PodContainer, at: number) =>
  last !== null && last.reason === 'OOMKilled' && last.at !== null && at - last.at <= hour

function killed(pod: Pod, container: PodContainer, at: number): Problem {
  return {
    severity: 'warning',
    summary: say`${titleOf(pod, container)} was killed for lack of memory ${milliseconds(Math.max(0, at - (container.last?.at ?? at)))} ago`,
    advice: say`raise resources.limits.memory of the container, or find what grows in it`,
    evidence: {
      namespace: pod.namespace,
      pod: pod.name,
      container: container.name,
      restarts: container.restarts,
    },
  }
}

/** How long it waits for a node, or for its containers to begin; null where it does not. A container in trouble says more. */
function pendingFor({ phase, containers, createdAt }: Pod, at: number): number | null {
  if (phase !== 'Pending' || createdAt === null) return null
  return containers.some((container) => troubleOf(container) !== null) ? null : at - createdAt
}

function pendingFound(pod: Pod, age: number, after: number): Problem {
  const { namespace, name, conditions } = pod
  const scheduled = conditionOf(conditions, 'PodScheduled')
  const isHomeless = scheduled?.status === 'False'
  return {
    severity: 'warning',
    summary: isHomeless
      ? say`the pod ${namespace}/${name} has found no node for ${milliseconds(age)} (limit ${milliseconds(after)}): ${scheduled.reason}`
      : say`the pod ${namespace}/${name} has not begun to run for ${milliseconds(age)} (limit ${milliseconds(after)})`,
    advice: isHomeless
      ? say`no node has the room, the labels or the volume that it asks for: kubectl describe pod ${name} -n ${namespace} says which; add a node or ask for less`
      : say`see what it waits for (a volume, a network): kubectl describe pod ${name} -n ${namespace}`,
    evidence: { namespace, pod: name, reason: scheduled?.reason ?? null },
  }
}
