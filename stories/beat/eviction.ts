import { bytes, say } from 'healthz'
import { isRedbeat } from './options.ts'
import { step, storeOf } from './target.ts'

/** The Redis never throws the schedule away. Of its keys only the lock has an expiry, so that the volatile policies are safe. */
export const eviction = step({
  title: say`the Redis does not evict the schedule`,
  on: isRedbeat,
  confirm: 1,
  async check({ target, note, problem }) {
    const info = await storeOf(target).info('memory')
    const [limit, policy] = [info.number('maxmemory'), info.text('maxmemory_policy')]
    note(limit === 0 ? say`without maxmemory nothing is evicted` : say`maxmemory-policy ${policy}`)
    if (limit === 0 || !policy.startsWith('allkeys-')) return
    problem({
      severity: 'warning',
      summary: say`with maxmemory-policy ${policy} the Redis throws away any key when ${bytes(limit)} are full, the schedule too`,
      advice: say`set maxmemory-policy noeviction, or give the schedule a Redis of its own`,
      evidence: { maxmemory: limit, policy },
    })
  },
})
