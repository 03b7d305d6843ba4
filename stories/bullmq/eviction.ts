import { bytes, CannotTell, type RedisInfo, type StepContext, say } from 'healthz'
import type { Options } from './options.ts'
import { type Queues, step } from './target.ts'

/** Redis never throws keys of a queue away to make room. */
export const eviction = step({
  title: say`Redis throws no jobs away when its memory is full`,
  // A setting is a fact.
  confirm: 1,
  async check(context) {
    const servers = await context.target.servers()
    const infos = await Promise.all(servers.map((server) => server.info('memory')))
    for (const [index, info] of infos.entries())
      judge(info, servers.length === 1 ? null : (servers[index]?.address ?? null), context)
  },
})

/** `address` where it is one of several nodes. */
function judge(
  info: RedisInfo,
  address: string | null,
  { note, problem }: StepContext<Queues, Options>,
): void {
  const policy = info.textOr('maxmemory_policy', null)
  if (policy === null) throw new CannotTell(say`this server does not report ${'maxmemory_policy'}`)
  const max = info.numberOr('maxmemory', 0)
  note(say`maxmemory-policy ${policy}`)
  if (policy === 'noeviction') return
  // Without a limit nothing is thrown away; a managed Redis has one that it may not show.
  if (max === 0 && info.numberOr('total_system_memory', 0) > 0) {
    note(say`there is no maxmemory, so it does not matter yet`)
    return
  }
  problem({
    ...(address !== null && { key: address }),
    severity: 'warning',
    summary: say`Redis throws keys away when its ${bytes(max)} are full (maxmemory-policy ${policy}, expected noeviction): jobs vanish without a trace`,
    advice: say`run: CONFIG SET maxmemory-policy noeviction, and write it into the configuration; give caches a Redis of their own`,
    evidence: { policy, maxmemory: max, ...(address !== null && { address }) },
  })
}
