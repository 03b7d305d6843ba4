import { CoordinatorLost } from '../../core/redis-link.ts'
import { type Connection, openConnection } from '../redis/connection.ts'
import { pairsOf } from '../redis/facts.ts'
import { type Place, RedisReplyError } from '../redis/fault.ts'
import { sentinelAccess } from '../redis/locate.ts'
import { reportLoss } from './report.ts'
import type { Checking } from './types.ts'
import { words } from './words.ts'

/** Asks each sentinel for the master, and whether they could replace it. null: none knows it, which has been said. */
export async function checkSentinels(checking: Checking): Promise<Place | null> {
  const asked = await Promise.all(
    checking.cluster.redis.servers.map(async (sentinel) => {
      const own: Checking = { ...checking, faults: [], warnings: [] }
      return { own, master: await askOne(own, sentinel) }
    }),
  )
  for (const { own } of asked) {
    checking.faults.push(...own.faults)
    checking.warnings.push(...own.warnings)
  }
  return asked.find(({ master }) => master !== null)?.master ?? null
}

async function askOne(checking: Checking, place: Place): Promise<Place | null> {
  const { cluster, timeout, signal } = checking
  const { redis: plan } = cluster
  try {
    using sentinel = await openConnection(place, sentinelAccess(plan, signal), timeout)
    const [master, quorum] = await sentinel.send(
      [
        ['SENTINEL', 'MASTER', plan.master],
        ['SENTINEL', 'CKQUORUM', plan.master],
      ],
      timeout,
    )
    if (master?.status === 'rejected') await reportUnknown(checking, master.reason, sentinel)
    if (master?.status !== 'fulfilled') return null
    if (quorum?.status === 'rejected' && quorum.reason instanceof RedisReplyError)
      checking.warnings.push(words.noQuorum(sentinel.address, quorum.reason.message))
    const fields = pairsOf(master.value)
    return { host: fields.get('ip') ?? '', port: Number(fields.get('port')) }
  } catch (error) {
    const { sentinelUser: user, sentinelPassword: password } = plan
    await reportLoss(
      { ...checking, cluster: { ...cluster, redis: { ...plan, user, password } } },
      error,
      place,
    )
    return null
  }
}

async function reportUnknown({ cluster, timeout, faults }: Checking, reason: unknown, sentinel: Connection) {
  const { address } = sentinel
  if (!(reason instanceof RedisReplyError)) throw reason
  if (/unknown command/i.test(reason.message)) faults.push(words.noSentinel(address))
  else if (/No such master/.test(reason.message))
    faults.push(words.unknownMaster(address, cluster.redis.master, await namesOf(sentinel, timeout)))
  else throw new CoordinatorLost('other', reason.message, { cause: reason })
}

async function namesOf(sentinel: Connection, timeout: number): Promise<readonly string[]> {
  const masters = await sentinel.ask(['SENTINEL', 'MASTERS'], timeout)
  return (Array.isArray(masters) ? masters : []).flatMap((fields) => pairsOf(fields).get('name') ?? [])
}
