import { setTimeout as delay } from 'node:timers/promises'
import { type Cure, DidNotHelp, say } from 'healthz'
import { type Pod, podShape, type Workload, type WorkloadKind } from './objects.ts'
import type { Cluster } from './target.ts'
import { troubleOf } from './trouble.ts'

/** What `kubectl rollout restart` does. */
export function restartRollout(
  { api }: Cluster,
  { title, resource, shape }: WorkloadKind,
  before: Workload,
): Cure {
  const { name, namespace, uid, generation } = before
  const path = `/apis/apps/v1/namespaces/${namespace}/${resource}/${name}`
  return {
    title: say`restart the rollout of ${title} ${namespace}/${name}`,
    consent: 'ask',
    target: `${api.address} ${namespace}/${name}`,
    settle: 10_000,
    within: 300_000,
    async run({ signal }) {
      const now = await api.find(path, shape, signal)
      if (now?.uid !== uid || now.generation !== generation || now.isPaused)
        throw new DidNotHelp(say`it was changed or removed in the meantime, so it was left alone`)
      if (now.ready >= now.desired) return
      const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() }
      const body = { spec: { template: { metadata: { annotations } } } }
      await api.act({ method: 'PATCH', path, body, right: `patch ${resource}` }, signal)
    },
  }
}

/** Deletes one pod that crashes; its controller makes another one, which must then stay up. */
export function deletePod(target: Cluster, before: Pod, steady: number): Cure {
  const { api } = target
  const { name, namespace, uid, owner } = before
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`
  return {
    title: say`delete the pod ${namespace}/${name}, for ${owner?.kind ?? ''} ${owner?.name ?? ''} to make it anew`,
    consent: 'ask',
    // One at a time, whatever it belongs to.
    target: `${api.address} pods`,
    within: steady + 150_000,
    async run({ signal }) {
      const now = await api.find(path, podShape, signal)
      if (now?.uid !== uid || now.isLeaving)
        throw new DidNotHelp(say`it was changed or removed in the meantime, so it was left alone`)
      if (!now.containers.some((container) => troubleOf(container) === 'crash')) return
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }
      await api.act({ method: 'DELETE', path, body, right: 'delete pods' }, signal)
      await mustStayUp(target, before, steady, signal)
    },
  }
}

async function mustStayUp(target: Cluster, before: Pod, steady: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + steady + 120_000
  let goodSince: number | null = null
  while (performance.now() < end) {
    await delay(1000, undefined, { signal })
    const { items } = await target.pods(signal)
    const others = items.filter(({ uid, owner, isLeaving, namespace }) => {
      const isSibling = owner?.name === before.owner?.name && owner?.kind === before.owner?.kind
      return isSibling && namespace === before.namespace && uid !== before.uid && !isLeaving
    })
    const isBad = others.some(({ containers }) =>
      containers.some((container) => troubleOf(container) !== null),
    )
    if (isBad) throw new DidNotHelp(say`the pod that took its place has the same trouble`)
    const isGood =
      others.length > 0 &&
      others.every(({ containers }) => containers.length > 0 && containers.every((one) => one.waiting === ''))
    goodSince = isGood ? (goodSince ?? performance.now()) : null
    if (goodSince !== null && performance.now() - goodSince >= steady) return
  }
  throw new DidNotHelp(say`no other pod came up in its place`)
}
