import { type Problem, say } from 'healthz'
import { hourly } from './hourly.ts'
import { readLifecycle } from './lifecycle.ts'
import { retryLifecycle, retryLifecycleTitle } from './retry-lifecycle.ts'
import { step } from './target.ts'
import { tellAll } from './tell-all.ts'

/** Indices roll over and are deleted as their policies say. */
export const ilm = step({
  title: say`the lifecycle policies run`,
  confirm: 1,
  cures: [{ title: retryLifecycleTitle, consent: 'ask' }],
  async check(context) {
    const { target, signal, note, problem } = context
    const { isRunning, mode, stuck } = await hourly(
      context,
      () => readLifecycle(target, signal),
      (found) => found.isRunning && found.stuck.length === 0,
    )
    if (!isRunning) {
      problem({
        key: 'stopped',
        severity: 'warning',
        summary: say`the lifecycle policies are switched off (${mode}): no index rolls over or is deleted`,
        advice: say`run POST /_ilm/start when the work on the cluster is done`,
        evidence: { mode },
      })
    }
    const found = stuck.map(
      ({ index, policy, failed }): Problem => ({
        key: index,
        severity: 'warning',
        summary: say`the lifecycle of ${index} is stuck: ${failed} of the policy ${policy} failed`,
        advice:
          target.version.product === 'opensearch'
            ? say`GET /_plugins/_ism/explain/${index} says why; mend it, and run POST /_plugins/_ism/retry/${index}`
            : say`GET /${index}/_ilm/explain says why; mend it, and run POST /${index}/_ilm/retry`,
        evidence: { index, policy, failed },
        resolve: retryLifecycle(target, index),
      }),
    )
    tellAll(found, { problem, note })
  },
})
