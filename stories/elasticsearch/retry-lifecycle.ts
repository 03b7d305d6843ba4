import { type Cure, say } from 'healthz'
import { readLifecycle } from './lifecycle.ts'
import type { Cluster } from './target.ts'

export const retryLifecycleTitle = say`have the lifecycle policy try the failed step again`

export function retryLifecycle(target: Cluster, index: string): Cure {
  return {
    title: retryLifecycleTitle,
    consent: 'ask',
    target: `${target.api.address} ${index}`,
    settle: 5000,
    async run({ signal }) {
      const { stuck } = await readLifecycle(target, signal)
      if (!stuck.some((found) => found.index === index)) return
      const name = encodeURIComponent(index)
      const path =
        target.version.product === 'opensearch' ? `/_plugins/_ism/retry/${name}` : `/${name}/_ilm/retry`
      await target.api.act('POST', path, signal)
    },
  }
}
