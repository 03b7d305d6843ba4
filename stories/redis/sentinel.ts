import { CannotTell, ConnectionFailure, count, type RedisConnection, say, type Text } from 'healthz'
import { faultsOf } from './sentinel-faults.ts'
import { lookAs, type SentinelView } from './sentinel-view.ts'
import { step } from './target.ts'

/** The sentinels agree on a master that is one, and could replace it. */
export const sentinel = step({
  title: say`the sentinels agree on the master and could replace it`,
  on: ({ mode }) => mode === 'sentinel',
  // While a failover is under way some sentinels know of it sooner than others.
  confirm: 2,
  async check({ target, options, note, problem, cannotTell }) {
    const { reached, unreached } = await target.sentinels()
    const looks = await Promise.all(reached.map((each) => look(each, options.master)))
    const views = looks.flatMap(({ view }) => view ?? [])
    const lost = [...unreached, ...looks.flatMap(({ lost }) => lost ?? [])]
    const sentinels = options.expectSentinels ?? options.sentinels.length
    for (const fault of faultsOf(views, lost, { name: options.master, sentinels })) problem(fault)
    note(say`${views.length} of ${count(options.sentinels.length, 'sentinel')} asked`)

    const named = new Set(views.flatMap(({ watched }) => watched?.master.address ?? []))
    // A master that does not answer is told by "connect", one that changed since the opening is seen the next time.
    const role = named.has(target.node.address) && named.size === 1 ? await roleOf(target.node) : null
    if (role !== null && role !== 'master') {
      problem({
        key: 'role',
        severity: 'critical',
        summary: say`the sentinels send clients to ${target.node.address}, which is no master but a replica`,
        advice: say`a failover has stuck: see in the logs of the sentinels; if it does not end, make this server the master (REPLICAOF NO ONE)`,
        evidence: { node: target.node.address, role },
      })
    }
    const untold = looks.flatMap(({ untold }) => untold ?? [])
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

interface Look {
  readonly view?: SentinelView
  readonly lost?: ConnectionFailure
  readonly untold?: Text
}

async function look(sentinel: RedisConnection, name: string): Promise<Look> {
  try {
    return { view: await lookAs(sentinel, name) }
  } catch (error) {
    if (error instanceof CannotTell) return { untold: say`${sentinel.address}: ${error.reason}` }
    if (!(error instanceof ConnectionFailure)) throw error
    return error.kind === 'not-allowed' ? { untold: error.summary } : { lost: error }
  }
}

async function roleOf(node: RedisConnection): Promise<string | null> {
  try {
    return (await node.info('replication')).text('role')
  } catch (error) {
    if (error instanceof ConnectionFailure) return null
    throw error
  }
}
