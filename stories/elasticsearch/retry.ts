import { type Cure, say } from 'healthz'
import type { Api } from './api.ts'
import { explain } from './explanation.ts'

export const retryTitle = say`have the cluster try again to place the shards it has given up on`

/** Asks for another try. It moves and deletes nothing; what still fails is given up again after five attempts. */
export function retry(api: Api): Cure {
  return {
    title: retryTitle,
    consent: 'auto',
    target: api.address,
    settle: 3000,
    within: 120_000,
    async run({ signal }) {
      const why = await explain(api, signal)
      if (why === null || !why.hasGivenUp) return
      await api.act('POST', '/_cluster/reroute?retry_failed=true&filter_path=acknowledged', signal)
    },
  }
}
