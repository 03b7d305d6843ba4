import { join } from 'node:path'
import type { ClusterTiming } from '../../../src/core/cluster.ts'
import { fastTiming } from '../cluster/timing.ts'
import { freePorts } from '../servers/ports.ts'
import type { Redis } from '../servers/redis.ts'
import { until } from '../servers/until.ts'
import { type Fault, type History, type Spell, spellsOf } from './history.ts'
import { type FaultNode, makeNode } from './node.ts'
import { startWorld, type World } from './world.ts'

const shards = 32

/** The entries: `led` is told by the leader, `own@NODE` by each node of itself, the others by whom the ring chooses. */
export const entries = ['a', 'b', 'c', 'd', 'e', 'f', 'led'] as const

export interface ClusterOptions {
  readonly nodes?: number
  readonly timing?: ClusterTiming
  /** A Redis, to be reached through a proxy for each node; or a URL to be used as it is. */
  readonly redis: Pick<Redis, 'port'> | string
  readonly minReplicas?: number
}

/** Real daemons over a real Redis, what they watch, and what was done to them. */
export interface FaultCluster extends AsyncDisposable {
  readonly timing: ClusterTiming
  readonly world: World
  readonly nodes: readonly FaultNode[]
  /** Who leads now; null: nobody does. */
  leader(): FaultNode | null
  /** The spells on all seats so far. */
  spells(): readonly Spell[]
  /** The spells on the leadership so far, oldest first. */
  reigns(): readonly Spell[]
  /** Waits for a leader that came to it after a moment, and gives its spell. */
  nextLeader(after: number, deadline?: number): Promise<Spell>
  /** A node that does not lead. */
  follower(): FaultNode
  /** Writes down a fault; what it returns writes down its end. */
  begin(kind: string, node?: FaultNode | null, more?: Pick<Fault, 'lostDataAt'>): () => void
  /** Lets `act` be written down as a fault while it runs. */
  during(kind: string, node: FaultNode | null, act: () => Promise<unknown>): Promise<void>
  readonly faults: readonly Fault[]
  /** Waits until one leads, every shard is held, and all that was owed until now is told. */
  settled(deadline?: number): Promise<void>
  history(): History
}

/** Starts all nodes at once and waits until they have settled. */
export async function startCluster(options: ClusterOptions): Promise<FaultCluster> {
  const { timing = fastTiming, redis, minReplicas = 0 } = options
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  const ports = await freePorts(options.nodes ?? 3)
  const nodes = await Promise.all(
    ports.map(async (port, index) =>
      stack.use(
        await makeNode(`n${index + 1}`, {
          redisPort: typeof redis === 'string' ? null : redis.port,
          config: (proxyPort) =>
            configOf({
              node: `n${index + 1}`,
              port,
              world: world.url,
              url: typeof redis === 'string' ? redis : `redis://127.0.0.1:${proxyPort}`,
              timing,
              minReplicas,
            }),
        }),
      ),
    ),
  )
  const faults: {
    kind: string
    node: string | null
    from: number
    to: number | null
    lostDataAt?: number
  }[] = []
  let settledAt: number | null = null

  const spells = () => nodes.flatMap((node) => node.lives().flatMap((life) => spellsOf(life, timing.valid)))
  const reigns = () =>
    spells()
      .filter(({ seat }) => seat === 'leader')
      .toSorted((a, b) => a.from - b.from)
  const isOpen = (spell: Spell) => spell.to === Number.POSITIVE_INFINITY && spell.life.to === null

  const leader = () => {
    const spell = reigns().findLast(isOpen)
    return nodes.find(({ name }) => name === spell?.life.node) ?? null
  }

  const cluster: FaultCluster = {
    timing,
    world,
    nodes,
    faults,
    leader,
    spells,
    reigns,
    nextLeader: (after, deadline = 15_000) =>
      until('somebody leads', () => reigns().findLast((one) => isOpen(one) && one.from > after), {
        deadline,
      }),
    follower() {
      const other = nodes.find((node) => node.isAlive() && !node.isPaused() && node !== leader())
      if (other === undefined) throw new Error('there is no follower')
      return other
    },
    begin(kind, node = null, more = {}) {
      const fault = { kind, node: node?.name ?? null, from: Date.now(), to: null as number | null, ...more }
      faults.push(fault)
      settledAt = null
      return () => {
        fault.to = Date.now()
      }
    },
    async during(kind, node, act) {
      const end = cluster.begin(kind, node)
      await act()
      end()
    },
    async settled(deadline = 25_000) {
      await until(
        'one leads, all shards are held and all is told',
        () => {
          const open = spells().filter(isOpen)
          const held = new Set(open.map(({ seat }) => seat).filter((seat) => seat.startsWith('shard:')))
          const problems = {
            leaders: open.filter(({ seat }) => seat === 'leader').length,
            shards: held.size,
            untold: world.untold().length,
            unended: world.unended().length,
          }
          const isSettled =
            problems.leaders === 1 && held.size === shards && problems.untold + problems.unended === 0
          if (!isSettled) throw new Error(JSON.stringify(problems))
          return true
        },
        { deadline, every: 50 },
      )
      settledAt = Date.now()
    },
    history: () => ({
      timing,
      shards,
      lives: nodes.flatMap((node) => node.lives()),
      signals: world.signals.map((one) => ({ ...one })),
      deliveries: [...world.deliveries],
      mendings: [...world.mendings],
      faults: faults.map((one) => ({ ...one })),
      settledAt,
    }),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
  await Promise.all(nodes.map((node) => node.start()))
  await cluster.settled()
  const owned = stack.move()
  return cluster
}

interface ConfigOptions {
  readonly node: string
  readonly port: number
  readonly world: string
  readonly url: string
  readonly timing: ClusterTiming
  readonly minReplicas: number
}

function configOf({ node, port, world, url, timing, minReplicas }: ConfigOptions): string {
  const told = 'every: 1s, resolve: { coolDown: 0s, maxAttempts: 100 }'
  const times = Object.entries(timing).map(([name, ms]) => `${name}: ${ms}ms`)
  const lines = entries.map((name) => {
    const spread = name === 'led' ? ', spread: leader' : ''
    return `  - { story: signal, name: ${name}, ${told}${spread}, with: { world: "${world}" } }`
  })
  return `
platform: faults
node: ${node}
http: { listen: "127.0.0.1:${port}" }
store: { file: state.db }
plugins: [${join(import.meta.dirname, 'stories')}]
cluster:
  name: faults
  redis: "${url}"
  secret: s3cret
  advertise: "127.0.0.1:${port}"
  shards: ${shards}
  minReplicas: ${minReplicas}
  timing: { ${times.join(', ')} }
limits: { blastRadius: 100% }
stories:
${lines.join('\n')}
  - { story: signal, name: own, scope: node, ${told}, with: { world: "${world}" } }
channels: { ops: { use: webhook, url: "${world}/alarms" } }
alarms: { groupWait: 0s, confirm: 1, clear: 1 }
`
}
