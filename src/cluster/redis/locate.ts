import type { CoordinatorPlan } from '../../core/cluster.ts'
import { CoordinatorLost } from '../../core/redis-link.ts'
import { type Access, openConnection } from './connection.ts'
import { fieldsOf, pairsOf } from './facts.ts'
import { lostBy, type Place, RedisReplyError } from './fault.ts'

export const dataAccess = (plan: CoordinatorPlan, name: string, signal: AbortSignal): Access => ({
  user: plan.user,
  password: plan.password,
  tls: plan.tls,
  name: `healthz:${name}`,
  database: plan.kind === 'cluster' ? 0 : plan.database,
  signal,
})

export const sentinelAccess = (plan: CoordinatorPlan, signal: AbortSignal): Access => ({
  user: plan.sentinelUser,
  password: plan.sentinelPassword,
  tls: plan.tls,
  name: 'healthz:sentinel',
  database: 0,
  signal,
})

/** How long the others are waited for when the first has answered: one that is cut off may answer first. */
const grace = 150

/**
 * The server that is to be asked: the one configured, the master that sentinels name, or the node of the cluster that
 * serves a slot. Of several answers the one of the highest epoch counts: who is cut off has an older one.
 * @throws CoordinatorLost
 */
export async function locate(search: Search): Promise<Located> {
  const { plan, seeds } = search
  const [only] = plan.servers
  if (plan.kind === 'standalone' && only !== undefined) return { place: only, epoch: 0, nodes: [] }
  const ask = plan.kind === 'sentinel' ? askSentinel : askNode
  const answers = await gather(seeds.map((seed) => ask(search, seed)))
  return answers.reduce((best, answer) => (answer.epoch > best.epoch ? answer : best))
}

export interface Search {
  readonly plan: CoordinatorPlan
  /** Where to ask: the servers of the plan, and others that were heard of. */
  readonly seeds: readonly Place[]
  /** Of a cluster. */
  readonly slot: number
  readonly timeout: number
  readonly signal: AbortSignal
}

export interface Located {
  readonly place: Place
  readonly epoch: number
  /** Others that can be asked another time. */
  readonly nodes: readonly Place[]
}

/** What a sentinel knows of the master; throws where it does not know the name. */
async function askSentinel({ plan, timeout, signal }: Search, seed: Place): Promise<Located> {
  using sentinel = await openConnection(seed, sentinelAccess(plan, signal), timeout)
  try {
    const reply = await sentinel.ask(['SENTINEL', 'MASTER', plan.master], timeout)
    const fields = pairsOf(reply)
    const place = { host: fields.get('ip') ?? '', port: Number(fields.get('port')) }
    return { place, epoch: Number(fields.get('config-epoch') ?? 0), nodes: [] }
  } catch (error) {
    throw lostBy(error, sentinel.address)
  }
}

/** What a node of the cluster knows of the slot; throws where it is cut off from the others. */
async function askNode({ plan, slot, timeout, signal }: Search, seed: Place): Promise<Located> {
  using node = await openConnection(seed, dataAccess(plan, 'map', signal), timeout)
  const [info, slots] = await node.send(
    [
      ['CLUSTER', 'INFO'],
      ['CLUSTER', 'SLOTS'],
    ],
    timeout,
  )
  for (const result of [info, slots]) {
    if (result?.status === 'rejected') throw lostBy(result.reason, node.address)
  }
  const state = info?.status === 'fulfilled' ? fieldsOf(info.value) : new Map<string, string>()
  if (state.get('cluster_state') !== 'ok')
    throw new CoordinatorLost('clusterdown', `${node.address}: CLUSTERDOWN the cluster is down`)
  const ranges = slots?.status === 'fulfilled' ? rangesOf(slots.value, seed) : []
  const range = ranges.find(({ first, last }) => first <= slot && slot <= last)
  if (range === undefined)
    throw new CoordinatorLost('clusterdown', `${node.address}: CLUSTERDOWN no node serves slot ${slot}`)
  return {
    place: range.master,
    epoch: Number(state.get('cluster_current_epoch') ?? 0),
    nodes: ranges.map(({ master }) => master),
  }
}

interface SlotRange {
  readonly first: number
  readonly last: number
  readonly master: Place
}

/** `[[first, last, [host, port, id], ...replicas], ...]`; a node that does not know its own address leaves it out. */
function rangesOf(reply: unknown, asked: Place): readonly SlotRange[] {
  return (Array.isArray(reply) ? reply : []).map((range: readonly unknown[]) => {
    const [first, last, master] = range
    const [host, port] = Array.isArray(master) ? (master as readonly unknown[]) : []
    const known =
      host === null || host === undefined || host === '' || host === '?' ? asked.host : String(host)
    return { first: Number(first), last: Number(last), master: { host: known, port: Number(port) } }
  })
}

/** All that answer until `grace` after the first that does. Throws the most telling error where none does. */
async function gather<Answer>(asked: readonly Promise<Answer>[]): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const errors: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = asked.length
  let timer: NodeJS.Timeout | undefined
  for (const answer of asked) {
    answer
      .then(
        (value) => {
          answers.push(value)
          timer ??= setTimeout(resolve, grace)
        },
        (error) => errors.push(error),
      )
      .finally(() => {
        open -= 1
        if (open === 0) resolve()
      })
  }
  await promise
  clearTimeout(timer)
  if (answers.length > 0) return answers
  throw mostTelling(errors)
}

/** What a server said tells more than that another was not there. */
function mostTelling(errors: readonly unknown[]): unknown {
  const isSaid = (error: unknown) =>
    error instanceof CoordinatorLost && error.cause instanceof RedisReplyError
  return (
    errors.find(isSaid) ??
    errors.find((error) => error instanceof CoordinatorLost && error.fault !== 'unreachable') ??
    errors[0] ??
    new CoordinatorLost('unreachable', 'no server is configured')
  )
}
