import { setTimeout as sleep } from 'node:timers/promises'
import { profiles } from '../src/core/cluster-timing.ts'
import { startRedis } from '../test/support/servers/redis.ts'
import { startTcpFaultProxy } from '../test/support/servers/tcp-fault-proxy.ts'
import { type Cluster, startCluster, type Watchman } from './cluster.ts'

/** A cluster, and the harm that is done to it again and again. */
export interface Fault extends AsyncDisposable {
  readonly name: string
  /** What follows from the timing. */
  readonly bound: string
  /** Waits until all is well. */
  ready(): Promise<void>
  /** Does the harm, at any moment between two heartbeats; resolves when another node leads, or the same one again. */
  strike(): Promise<Outcome>
  /** Makes good what was harmed. */
  mend(): Promise<void>
}

/** Milliseconds from the harm. */
export interface Outcome {
  /** Until a node leads. */
  readonly led: number
  /** Until the node that led said that it leads no more; null: it has not said so. */
  readonly left: number | null
  /** Until Redis served again; null: it did not stop. */
  readonly served: number | null
  /** Whether the node that led goes on to lead. */
  readonly isKept: boolean
}

const { beat, lease, valid } = profiles.lan
/** From one heartbeat to the next, at most. */
const longBeat = 1.1 * beat
const afterLease = `${lease - longBeat} to ${lease + longBeat}: lease, less the age of the last heartbeat, and the next one of another node`

type Harm = (leader: Watchman) => Promise<void> | void

/** The leader is sent a signal. */
export async function signalled(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM', target: string): Promise<Fault> {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const cluster = stack.use(await startCluster({ redis: redis.url, target }))
  const bounds = {
    SIGKILL: ['kill -9', afterLease],
    SIGSTOP: ['SIGSTOP', afterLease],
    SIGTERM: [
      'SIGTERM',
      'the work under way, then up to 50: so far apart are two heartbeats that others call for',
    ],
  } as const
  const [name, bound] = bounds[signal]
  const restart = async (leader: Watchman) => {
    await leader.over()
    leader.start()
  }
  return onLeader({ name, bound }, cluster, stack.move(), {
    harm: (leader) => leader.signal(signal),
    mend: signal === 'SIGSTOP' ? (leader) => leader.signal('SIGCONT') : restart,
  })
}

/** The network between the leader and Redis swallows all that is sent. */
export async function cutOff(target: string): Promise<Fault> {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const proxies = await Promise.all(
    [0, 1, 2].map(async () => stack.use(await startTcpFaultProxy(redis.port))),
  )
  const seenBy = (node: number) => `redis://127.0.0.1:${proxies[node]?.port}`
  const cluster = stack.use(await startCluster({ redis: redis.url, seenBy, target }))
  const wayOf = (leader: Watchman) => proxies[cluster.nodes.indexOf(leader)]
  const bound = `${afterLease}; the old leader ends by ${valid}`
  return onLeader({ name: 'leader cut off', bound }, cluster, stack.move(), {
    harm: (leader) => wayOf(leader)?.become('black-hole'),
    mend: (leader) =>
      wayOf(leader)
        ?.become('reset')
        .then(() => wayOf(leader)?.become('pass')),
  })
}

function onLeader(
  about: Pick<Fault, 'name' | 'bound'>,
  cluster: Cluster,
  owned: AsyncDisposableStack,
  acts: { readonly harm: Harm; readonly mend: Harm },
): Fault {
  let harmed: Watchman | null = null
  return {
    ...about,
    ready: async () => void (await cluster.steady()),
    async strike() {
      const leader = await cluster.steady()
      harmed = leader
      await anyMoment()
      const at = Date.now()
      await acts.harm(leader)
      const led = (await cluster.led(at, leader)) - at
      return { led, left: since(at, leader.said('this node leads no more', at)), served: null, isKept: false }
    },
    async mend() {
      if (harmed !== null) await acts.mend(harmed)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Redis is killed, and started at once with nothing in it. */
export async function redisEmptied(target: string): Promise<Fault> {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const cluster = stack.use(await startCluster({ redis: redis.url, target }))
  const owned = stack.move()
  return {
    name: 'Redis restarted empty',
    bound: `from ${lease}: nobody takes over for one lease after Redis is asked again`,
    ready: async () => void (await cluster.steady()),
    async strike() {
      const leader = await cluster.steady()
      await anyMoment()
      const at = Date.now()
      await redis.restart()
      const served = Date.now() - at
      const led = (await cluster.led(at, null)) - at
      return { led, left: since(at, leader.said('this node leads no more', at)), served, isKept: false }
    },
    mend: async () => {},
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Faults do not keep step with heartbeats. */
export async function anyMoment(): Promise<void> {
  await sleep(Math.random() * 2 * beat)
}

/** Milliseconds from one moment to another that may not have come. */
export function since(at: number, moment: number | null): number | null {
  return moment === null ? null : moment - at
}
