import { CoordinatorLost } from '../../core/redis-link.ts'
import { slotOf } from '../../core/redis-slot.ts'
import { type Connection, openConnection } from '../redis/connection.ts'
import { factsOf, fieldsOf, type ServerFacts } from '../redis/facts.ts'
import { addressOf, type Place } from '../redis/fault.ts'
import { dataAccess, locate } from '../redis/locate.ts'
import { reportLoss } from './report.ts'
import { checkRights } from './rights.ts'
import { checkSentinels } from './sentinels.ts'
import type { Checking, Finding } from './types.ts'
import { words } from './words.ts'

export interface Preflight {
  /** As things are configured, this Redis can never coordinate the cluster. */
  readonly faults: readonly Finding[]
  /** What may pass by itself, such as a server that is down, and what should not stay as it is. */
  readonly warnings: readonly Finding[]
}

/**
 * Looks whether the coordinating Redis is what the cluster needs. Writes nothing but an empty hint.
 * @returns what was found; it throws nothing
 */
export async function preflight(
  cluster: Checking['cluster'],
  { timeout = 2000 }: { readonly timeout?: number } = {},
): Promise<Preflight> {
  const stop = new AbortController()
  const checking: Checking = { cluster, timeout, signal: stop.signal, faults: [], warnings: [] }
  try {
    const place = await placeOf(checking)
    if (place !== null) await checkServer(checking, place)
  } finally {
    stop.abort()
  }
  return { faults: checking.faults, warnings: checking.warnings }
}

/** The server to look at; null where none can be found, and that has been said. */
async function placeOf(checking: Checking): Promise<Place | null> {
  const { cluster, timeout, signal } = checking
  const { redis: plan, name } = cluster
  if (plan.kind === 'sentinel') return await checkSentinels(checking)
  const search = { plan, seeds: plan.servers, slot: slotOf(`{hz:${name}}`), timeout, signal }
  try {
    return (await locate(search)).place
  } catch (error) {
    const [seed] = plan.servers
    if (seed === undefined) return null
    // Then it is the rights of this user that are looked at.
    if (error instanceof CoordinatorLost && error.fault === 'noperm') return seed
    await reportLoss(checking, error, seed)
    return null
  }
}

async function checkServer(checking: Checking, place: Place): Promise<void> {
  const { cluster, timeout, signal } = checking
  let connection: Connection
  try {
    // Whether this user may choose the database is asked with its other rights.
    const access = { ...dataAccess(cluster.redis, 'preflight', signal), database: 0 }
    connection = await openConnection(place, access, timeout)
  } catch (error) {
    await reportLoss(checking, error, place)
    return
  }
  try {
    const facts = await factsIfAllowed(connection, timeout)
    if (facts !== null && !isRightServer(checking, facts, connection)) return
    if (facts !== null) await checkKeeping(checking, facts, connection)
    await checkRights(checking, connection, facts)
  } catch (error) {
    await reportLoss(checking, error, place)
  } finally {
    connection[Symbol.dispose]()
  }
}

/** null: this user may not ask, which is said with the other rights that it lacks. */
async function factsIfAllowed(connection: Connection, timeout: number): Promise<ServerFacts | null> {
  try {
    return await factsOf(connection, timeout)
  } catch (error) {
    if (error instanceof CoordinatorLost && error.fault === 'noperm') return null
    throw error
  }
}

function isRightServer({ cluster, faults, warnings }: Checking, facts: ServerFacts, at: Connection): boolean {
  const { kind } = cluster.redis
  const { address } = at
  if (facts.mode === 'sentinel') faults.push(words.sentinel(address))
  else if (facts.mode === 'cluster' && kind !== 'cluster') faults.push(words.clusterNode(address))
  else if (facts.master !== null && kind === 'standalone')
    faults.push(words.replica(address, addressOf(facts.master)))
  else if (facts.master !== null && kind === 'sentinel') warnings.push(words.failingOver(address))
  else if (Number.parseInt(facts.version, 10) < 6) faults.push(words.tooOld(address, facts.version))
  else return true
  return false
}

/** Whether what is written is kept. */
async function checkKeeping(
  { cluster, timeout, warnings }: Checking,
  facts: ServerFacts,
  connection: Connection,
): Promise<void> {
  const { address } = connection
  const memory = fieldsOf(await connection.ask(['INFO', 'memory'], timeout))
  const policy = memory.get('maxmemory_policy') ?? ''
  if (policy.startsWith('allkeys-') && Number(memory.get('maxmemory')) > 0)
    warnings.push(words.evicts(address, policy))
  if (facts.replicas < cluster.minReplicas)
    warnings.push(words.fewReplicas(address, facts.replicas, cluster.minReplicas))
  if (connection.isOpenToAll) warnings.push(words.openToAll(address))
}
