import { freePorts } from './ports.ts'
import { type Redis, startRedis } from './redis.ts'
import { until } from './until.ts'

/** Starts a cluster of three masters, each with as many replicas as wanted. */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  await using stack = new AsyncDisposableStack()
  const { replicas = 0, args = [], password } = options
  const buses = await freePorts(3 + 3 * replicas)
  const nodes = await Promise.all(
    buses.map(async (bus) =>
      stack.use(
        await startRedis({
          ...(password !== undefined && { password }),
          args: [
            ...[
              '--cluster-enabled',
              'yes',
              '--cluster-port',
              `${bus}`,
              '--cluster-config-file',
              'nodes.conf',
            ],
            ...['--cluster-node-timeout', '1000', '--cluster-announce-ip', '127.0.0.1'],
            ...['--cluster-replica-validity-factor', '0'],
            ...(password === undefined ? [] : ['--masterauth', password]),
            ...args,
          ],
        }),
      ),
    ),
  )
  await join(nodes, buses)
  const owned = stack.move()
  return { nodes, ownerOf: (slot) => ownerOf(nodes, slot), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface ClusterOptions {
  /** Of each master. */
  readonly replicas?: number
  readonly password?: string
  /** More arguments of each redis-server. */
  readonly args?: readonly string[]
}

export interface RedisCluster extends AsyncDisposable {
  /** Three masters first, then their replicas in the same order. */
  readonly nodes: readonly Redis[]
  /** The master that serves a slot, as the first node that answers knows it. */
  ownerOf(slot: number): Promise<Redis>
}

const slots = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
] as const

async function join(nodes: readonly Redis[], buses: readonly number[]): Promise<void> {
  const [first] = nodes
  if (first === undefined) return
  for (const [index, range] of slots.entries()) await nodes[index]?.cli('cluster', 'addslotsrange', ...range)
  for (const [index, node] of nodes.entries()) {
    await node.cli('cluster', 'set-config-epoch', index + 1)
    if (index > 0) await first.cli('cluster', 'meet', '127.0.0.1', node.port, buses[index] ?? 0)
  }
  await until('every node knows every other', async () =>
    (await Promise.all(nodes.map(({ cli }) => cli('cluster', 'info')))).every((info) =>
      String(info).includes(`cluster_known_nodes:${nodes.length}`),
    ),
  )
  for (const [index, node] of nodes.entries()) {
    const master = nodes[index % slots.length]
    if (index >= slots.length && master)
      await node.cli('cluster', 'replicate', String(await master.cli('cluster', 'myid')))
  }
  await until('the cluster serves', async () => (await Promise.all(nodes.map(serves))).every(Boolean), {
    deadline: 20_000,
  })
}

async function serves({ cli }: Redis): Promise<boolean> {
  const info = String(await cli('info', 'replication'))
  const isLinked = !info.includes('role:slave') || info.includes('master_link_status:up')
  return isLinked && String(await cli('cluster', 'info')).includes('cluster_state:ok')
}

async function ownerOf(nodes: readonly Redis[], slot: number): Promise<Redis> {
  for (const { cli } of nodes) {
    const ranges = await cli('cluster', 'slots').catch(() => null)
    if (!Array.isArray(ranges)) continue
    const range = ranges.find((it) => Array.isArray(it) && Number(it[0]) <= slot && slot <= Number(it[1]))
    const port = Array.isArray(range) && Array.isArray(range[2]) ? Number(range[2][1]) : 0
    const owner = nodes.find((node) => node.port === port)
    if (owner !== undefined) return owner
  }
  throw new Error(`no node of the cluster serves slot ${slot}`)
}
