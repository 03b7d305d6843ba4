import { bytes, say } from 'healthz'
import { step } from './target.ts'

/** Redis never throws keys of a queue away to make room. */
export const eviction = step({
  title: say`Redis throws no jobs away when its memory is full`,
  // A setting is a fact.
  confirm: 1,
  async check({ target, note, problem, cannotTell }) {
    const info = await target.redis.info('memory')
    const policy = info.textOr('maxmemory_policy', null)
    if (policy === null) return cannotTell(say`this server does not report ${'maxmemory_policy'}`)
    const max = info.numberOr('maxmemory', 0)
    note(say`maxmemory-policy ${policy}`)
    if (policy === 'noeviction') return
    // Without a limit nothing is thrown away; a managed Redis has one that it may not show.
    if (max === 0 && info.numberOr('total_system_memory', 0) > 0)
      return note(say`there is no maxmemory, so it does not matter yet`)
    problem({
      severity: 'warning',
      summary: say`Redis throws keys away when its ${bytes(max)} are full (maxmemory-policy ${policy}, expected noeviction): jobs vanish without a trace`,
      advice: say`run: CONFIG SET maxmemory-policy noeviction, and write it into the configuration; give caches a Redis of their own`,
      evidence: { policy, maxmemory: max },
    })
  },
})
