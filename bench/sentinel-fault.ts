import { setTimeout as sleep } from 'node:timers/promises'
import { profiles } from '../src/core/cluster-timing.ts'
import type { Redis } from '../test/support/servers/redis.ts'
import { type SentinelGroup, startSentinel } from '../test/support/servers/redis-sentinel.ts'
import { until } from '../test/support/servers/until.ts'
import { clusterName, startCluster, type Watchman } from './cluster.ts'
import { anyMoment, type Fault, type Outcome, since } from './faults.ts'

const { lease, valid } = profiles.lan
const patience = { deadline: 60_000, every: 10 }

/** The master is killed, and its replica takes its place. */
export async function sentinelFailover(target: string): Promise<Fault> {
  await using stack = new AsyncDisposableStack()
  const group = stack.use(await startSentinel())
  const sentinels = group.sentinels.map(({ host, port }) => `${host}:${port}`)
  const redis = `redis+sentinel://${sentinels.join(',')}/${group.name}`
  const cluster = stack.use(await startCluster({ redis, target }))
  const owned = stack.move()
  let dead: Redis | null = null
  return {
    name: 'Sentinel failover',
    bound: `as soon as the replica serves where that is within ${valid}, else a lease (${lease}) later`,
    ready: async () => void (await Promise.all([cluster.steady(), groupIsWhole(group)])),
    async strike() {
      const leader = await cluster.steady()
      const master = await masterOf(group)
      const replica = otherThan(master, group)
      const key = await leader.key()
      await anyMoment()
      const at = Date.now()
      dead = master
      await master.kill()
      const isPromoted = async () => String(await replica.cli('role')).startsWith('master')
      await until('the replica is promoted', isPromoted, patience)
      const served = Date.now() - at
      const giveUp = new AbortController()
      const lost = cluster.led(at, null, giveUp.signal).then((moment): Outcome => {
        const left = since(at, leader.said('this node leads no more', at))
        return { led: moment - at, left, served, isKept: false }
      })
      const kept = leadsOn({ leader, key, replica, at }).then((led) =>
        led === null ? lost : { led, left: null, served, isKept: true },
      )
      return await Promise.race([kept, lost]).finally(() => giveUp.abort())
    },
    async mend() {
      if (dead === null) return
      await dead.restart()
      const master = await masterOf(group)
      await dead.cli('replicaof', '127.0.0.1', master.port)
      await groupIsWhole(group)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface Leading {
  readonly leader: Watchman
  /** The key of its session. */
  readonly key: string | null
  readonly replica: Redis
  readonly at: number
}

/** Milliseconds until the replica took a heartbeat of the leader; null: it has ended to lead, or its session is over. */
async function leadsOn({ leader, key, replica, at }: Leading): Promise<number | null> {
  const deadlineOfSession = () => replica.cli('zscore', `{hz:${clusterName}}:mem`, key ?? '')
  const before = await deadlineOfSession()
  const next = await until(
    'the leader beats',
    async () => {
      const now = await deadlineOfSession()
      return now !== before && { now }
    },
    patience,
  )
  const led = Date.now() - at
  // Its log comes over a pipe.
  await sleep(200)
  return next.now === null || leader.said('this node leads no more', at) !== null ? null : led
}

function otherThan(master: Redis, { redises }: SentinelGroup): Redis {
  return redises.find((one) => one !== master) ?? master
}

async function masterOf(group: SentinelGroup): Promise<Redis> {
  return await until('the sentinels know the master', () => group.master())
}

/** Waits until the next failover is possible. */
async function groupIsWhole(group: SentinelGroup): Promise<void> {
  const master = await masterOf(group)
  const replica = otherThan(master, group)
  await until(
    'the sentinels have a master and a replica again',
    async () => {
      const links = String(await replica.cli('info', 'replication'))
      const seen = await Promise.all(
        group.sentinels.map(async ({ cli }) => [
          String(await cli('sentinel', 'ckquorum', group.name)),
          String(await cli('sentinel', 'replicas', group.name)),
        ]),
      )
      const isLinked = links.includes('master_link_status:up') && links.includes(`master_port:${master.port}`)
      return (
        isLinked &&
        seen.every(([quorum, replicas]) => quorum?.startsWith('OK 3') && replicas?.includes(',slave,')) &&
        seen.every(([, replicas]) => replicas?.includes('master-link-status,ok'))
      )
    },
    { deadline: 60_000, every: 100 },
  )
}
