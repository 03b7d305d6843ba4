import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from '../servers/redis.ts'
import { entries, type FaultCluster } from './cluster.ts'
import { deedsOn } from './deeds.ts'
import type { FaultNode } from './node.ts'
import { type Random, randomFrom } from './random.ts'

export interface NemesisOptions {
  readonly redis: Redis
  readonly seed: number
  readonly ms: number
  /** How many things are harmed at the same time at most. */
  readonly together: number
  /** Hears of each deed as it begins. */
  readonly tell?: (deed: string) => void
}

/**
 * Does random harm for a while, to several things at a time, while signals come and go; then undoes all of it and waits
 * until the cluster has settled.
 */
export async function unleash(cluster: FaultCluster, options: NemesisOptions): Promise<void> {
  const { redis, seed, ms, together, tell = () => {} } = options
  const random = randomFrom(seed)
  const deeds = deedsOn(cluster, redis)
  const over = new AbortController()
  const feeding = feed(cluster, randomFrom(seed + 1), over.signal)
  /** What has harm done to it at this moment: a node's name, `redis` or `world`. */
  const busy = new Set<string>()
  const works = new Set<Promise<void>>()
  const failures: unknown[] = []

  const begin = (target: string, name: string, act: () => Promise<void>) => {
    if (busy.has(target)) return
    busy.add(target)
    tell(`${name} ${target}`)
    const work = act().catch((error: unknown) => void failures.push(error))
    works.add(work)
    void work.finally(() => {
      busy.delete(target)
      works.delete(work)
    })
  }

  const choices: readonly (readonly [weight: number, choose: () => void])[] = [
    [4, () => onNode('kill', (node) => deeds.kill(node, random.between(0, 2500)))],
    [2, () => onNode('restart', (node) => deeds.restart(node))],
    [4, () => onNode('pause', (node) => deeds.pause(node, random.pick([300, 1000, 2500, 4000])))],
    [2, () => onNode('black-hole', (node) => deeds.cut(node, 'black-hole', random.between(500, 3500)))],
    [2, () => onNode('no-answers', (node) => deeds.cut(node, 'no-answers', random.between(500, 3500)))],
    [2, () => onNode('no-requests', (node) => deeds.cut(node, 'no-requests', random.between(500, 3500)))],
    [1, () => onNode('refuse', (node) => deeds.cut(node, 'refuse', random.between(500, 3500)))],
    [1, () => onNode('delay', (node) => deeds.cut(node, 'delay', random.between(500, 3500)))],
    [1, () => onRedis('killed', () => deeds.killRedis(random.between(0, 5000)))],
    [2, () => onRedis('frozen', () => deeds.freezeRedis(random.pick([500, 1500, 4000])))],
    [1, () => onRedis('flushed', () => deeds.flush())],
    [1, () => onRedis('client pause', () => deeds.pauseClients(random.between(500, 4000)))],
    [1, () => onRedis('out of memory', () => deeds.fillMemory(random.between(500, 4000)))],
    [1, () => onRedis('read-only', () => deeds.makeReadOnly(random.between(500, 4000)))],
    [1, () => begin('world', 'refuses', () => deeds.deafen('refuse', random.between(500, 2000)))],
    [1, () => begin('world', 'hangs', () => deeds.deafen('hang', random.between(500, 2000)))],
  ]
  /** Half of the harm is done to the leader. */
  const onNode = (name: string, act: (node: FaultNode) => Promise<void>) => {
    const leader = cluster.leader()
    const node = leader !== null && random.next() < 0.5 ? leader : random.pick(cluster.nodes)
    if (!node.isAlive() || node.isPaused()) return
    begin(node.name, name, () => act(node))
  }
  const onRedis = (name: string, act: () => Promise<void>) => begin('redis', name, act)

  const end = performance.now() + ms
  while (performance.now() < end && failures.length === 0) {
    if (works.size < together) weighted(choices, random)()
    // Now and then it has time to recover.
    await sleep(random.next() < 0.15 ? random.between(2000, 4000) : random.between(50, 1200))
  }
  over.abort()
  await Promise.all([...works, feeding])
  if (failures.length > 0) throw new AggregateError(failures, 'a deed failed')
  await cluster.settled(60_000)
  cluster.world.lowerTold()
  await cluster.settled(60_000)
}

function weighted(choices: readonly (readonly [number, () => void])[], random: Random): () => void {
  return random.pick(choices.flatMap(([weight, choose]) => Array.from({ length: weight }, () => choose)))
}

/** Puts signals up, and takes down what was told. */
async function feed({ world, nodes }: FaultCluster, random: Random, signal: AbortSignal): Promise<void> {
  const names = [...entries, ...nodes.map(({ name }) => `own@${name}`)]
  while (!signal.aborted) {
    world.raise(random.pick(names), { mends: random.next() < 0.4 })
    if (random.next() < 0.1) world.lowerTold()
    await sleep(400, undefined, { signal }).catch(() => {})
  }
}
