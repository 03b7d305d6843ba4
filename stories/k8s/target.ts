import { CannotTell, type OpenContext, type Problem, shareInFlight, stepOf, type Text, type z } from 'healthz'
import { accessOf } from './access.ts'
import { type Api, clusterApi, enter, type List } from './api.ts'
import { type Pod, podShape } from './objects.ts'
import type { Options } from './options.ts'

/** A cluster that lets the watchman in. */
export interface Cluster {
  readonly api: Api
  readonly version: string
  /** Everything of a kind in the namespaces that are watched. @throws CannotTell */
  list<T extends Named>(
    group: string,
    resource: string,
    item: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<List<T>>
  /** The pods, asked once for the steps that ask together. @throws CannotTell */
  pods(signal: AbortSignal): Promise<List<Pod>>
}

interface Named {
  readonly namespace: string
}

/** Declares a step of this story. */
export const step = stepOf<Cluster, Options>()

/** @throws ConnectionFailure unless the API server answers and knows who asks. */
export async function openCluster({ options, signal }: OpenContext<Options>): Promise<Cluster> {
  const access = await accessOf(options)
  const api = clusterApi(access)
  const version = await enter(api, access, signal)
  const list: Cluster['list'] = async (group, resource, item, within) => {
    const namespaces = options.namespaces ?? [null]
    const lists = await Promise.all(
      namespaces.map((namespace) => api.list({ group, resource, namespace }, item, within)),
    )
    const items = lists.flatMap((found) => found.items)
    return {
      items: items.filter(({ namespace }) => !options.ignore.includes(namespace)),
      at: Math.max(...lists.map(({ at }) => at)),
    }
  }
  return {
    api,
    version,
    list,
    pods: shareInFlight((within) => list('/api/v1', 'pods', podShape, within)),
  }
}

/** Looks at several kinds; what one of them keeps back is said after what the others tell. */
export async function eachKind(
  looks: readonly (() => Promise<readonly Problem[]>)[],
): Promise<{ readonly found: readonly Problem[]; readonly untold: readonly Text[] }> {
  const answers = await Promise.allSettled(looks.map((look) => look()))
  const untold: Text[] = []
  const found = answers.flatMap((answer) => {
    if (answer.status === 'fulfilled') return answer.value
    if (!(answer.reason instanceof CannotTell)) throw answer.reason
    untold.push(answer.reason.reason)
    return []
  })
  return { found, untold }
}
