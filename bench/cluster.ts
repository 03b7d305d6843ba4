import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connectLink } from '../src/cluster/redis/link.ts'
import { prefixOf, readRecords } from '../src/cluster/scripts/scripts.ts'
import { coordinatorUrl } from '../src/config/coordinator.ts'
import type { CoordinatorPlan } from '../src/core/cluster.ts'
import { freePorts } from '../test/support/servers/ports.ts'
import { diesWithParent } from '../test/support/servers/process.ts'
import { makeTempDir } from '../test/support/servers/temp-dir.ts'
import { until } from '../test/support/servers/until.ts'

/** Three daemons that share their work. */
export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly Watchman[]
  /** Waits until all three take part, every shard has its owner and one node leads; gives that one. */
  steady(): Promise<Watchman>
  /** When a node other than `but` said that it leads, for the first time since `since`. Wall milliseconds. */
  led(since: number, but: Watchman | null, signal?: AbortSignal): Promise<number>
}

/** A daemon that can be started again. */
export interface Watchman {
  readonly name: string
  /** The key of its session, as Redis has it now. */
  key(): Promise<string | null>
  pid(): number
  start(): void
  signal(signal: NodeJS.Signals): void
  /** Resolves when its process has ended. */
  over(): Promise<void>
  /** When it said so for the first time since `since`; null: it has not. Wall milliseconds, by its own log. */
  said(message: string, since: number): number | null
}

const root = fileURLToPath(new URL('..', import.meta.url))
const program = join(root, 'dist/healthz.js')
const shards = 256
export const clusterName = 'bench'

export interface Places {
  /** The URL of the Redis. */
  readonly redis: string
  /** The same as a node sees it, by its number; if left out, all see it as it is. */
  readonly seenBy?: (node: number) => string
  /** A URL that answers, for the entries to ask. */
  readonly target: string
}

/** Starts three nodes with the default profile and ten entries, each told every ten seconds. */
export async function startCluster({ redis, target, seenBy = () => redis }: Places): Promise<Cluster> {
  if (!existsSync(program)) throw new Error('npm run build first: dist/ is what is measured')
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTempDir()).path
  const link = stack.use(
    connectLink(planOf(redis), {
      name: 'store',
      commandTimeout: 2000,
      connectTimeout: 1000,
      slotKey: prefixOf(clusterName),
    }),
  )
  const records = () => readRecords(link, clusterName)
  const ports = await freePorts(3)
  const nodes = ports.map((port, number) => {
    const name = `watch-${number + 1}`
    const file = join(folder, `${name}.yaml`)
    const store = join(folder, `${name}.db`)
    writeFileSync(file, configOf({ name, store, port, url: seenBy(number), target }))
    const daemon = startDaemon(file)
    stack.defer(() => daemon.signal('SIGKILL'))
    const key = async () => (await records()).members.find((one) => one.name === name)?.key ?? null
    return { name, key, ...daemon }
  })
  const owned = stack.move()
  return {
    nodes,
    steady: () =>
      until(
        'the cluster is steady',
        async () => {
          const { members, leader, owners, quarantine } = await records()
          const busy = new Set(Object.values(owners))
          const isSteady =
            members.filter(({ state, beatAge }) => state === 'active' && beatAge < 1000).length ===
              nodes.length &&
            Object.keys(owners).length === shards + 1 &&
            busy.size === nodes.length &&
            quarantine === 0
          return isSteady && nodes.find(({ name }) => name === leader?.name)
        },
        { deadline: 60_000, every: 100 },
      ),
    led: (since, but, signal) =>
      until(
        'another node leads',
        () => {
          const others = nodes.filter((node) => node !== but)
          const moments = others.map(
            (node) => node.said('this node leads', since) ?? Number.POSITIVE_INFINITY,
          )
          const first = Math.min(...moments)
          return Number.isFinite(first) && first
        },
        { deadline: 60_000, every: 10, ...(signal && { signal }) },
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** How the Redis of this URL is reached. */
export function planOf(url: string): CoordinatorPlan {
  const { isTls: _, ...place } = coordinatorUrl.parse(url)
  return { ...place, sentinelUser: undefined, sentinelPassword: undefined, tls: null }
}

function configOf(node: {
  readonly name: string
  readonly store: string
  readonly port: number
  readonly url: string
  readonly target: string
}): string {
  const address = `127.0.0.1:${node.port}`
  const entries = Array.from({ length: 10 }, (_, index) => ({
    story: 'http',
    name: `web-${index}`,
    with: { url: node.target },
  }))
  // JSON is YAML.
  return JSON.stringify({
    node: node.name,
    interval: '10s',
    store: { file: node.store },
    http: { listen: address },
    cluster: { name: clusterName, redis: node.url, secret: 'of the bench', shards, advertise: address },
    stories: entries,
  })
}

function startDaemon(config: string): Omit<Watchman, 'name' | 'key'> {
  const lines: { readonly at: number; readonly message: string }[] = []
  let child: ChildProcess
  const start = () => {
    child = spawn(...diesWithParent(process.execPath, [program, '-d', '-c', config]), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, HEALTHZ_LOG: 'info' },
    })
    if (child.stdout === null) throw new Error('there is no standard output to read')
    createInterface(child.stdout).on('line', (line) => {
      const { time, msg } = JSON.parse(line) as { time: string; msg: string }
      lines.push({ at: Date.parse(time), message: msg })
    })
  }
  start()
  return {
    start,
    pid: () => child.pid ?? 0,
    signal: (signal) => child.kill(signal),
    async over() {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    said: (message, since) => lines.find((line) => line.at >= since && line.message === message)?.at ?? null,
  }
}
