import { createRing, type Ring } from '../src/cluster/ring.ts'
import { candidates, shardsOf } from '../src/cluster/shards.ts'
import { quantile } from './spread.ts'

/**
 * `npm run bench:ring`: how evenly the ring spreads shards over nodes, against dice; how many shards move when one
 * node more joins, against the share that it should get; and how long a node needs to find its own.
 */
const rings = Number(process.argv[2] ?? 20)
const sizes = [
  { nodes: 3, shards: 256 },
  { nodes: 10, shards: 256 },
  { nodes: 50, shards: 256 },
  { nodes: 1000, shards: 16_384 },
] as const

console.log(`node ${process.version}; ${rings} rings each, of other names; median (worst)\n`)
console.log(
  'nodes  shards  most / mean   by dice       moved by a join     ideal  between others  own shards, ms  order, ms',
)
for (const { nodes, shards } of sizes) {
  const runs = Array.from({ length: rings }, (_, run) => measure(run, nodes, shards))
  const of = (pick: (one: Measured) => number) => runs.map(pick)
  console.log(
    [
      String(nodes).padStart(5),
      String(shards).padStart(6),
      told(of(({ most }) => most)).padEnd(12),
      told(of(({ dice }) => dice)).padEnd(12),
      told(
        of(({ moved }) => moved * 100),
        '%',
      ).padEnd(15),
      `${(100 / (nodes + 1)).toFixed(2)}%`.padStart(8),
      String(Math.max(...of(({ strays }) => strays))).padStart(14),
      told(of(({ own }) => own)).padStart(14),
      told(of(({ order }) => order)).padStart(12),
    ].join('  '),
  )
}

interface Measured {
  /** The most shards of a node, by their mean: of the ring, and where each shard is thrown to any node. */
  readonly most: number
  readonly dice: number
  /** The share of shards that another node owns when one has joined, and how many went from one old node to another. */
  readonly moved: number
  readonly strays: number
  /** Milliseconds until a node knows its own shards, and in which order all would lead. */
  readonly own: number
  readonly order: number
}

function measure(run: number, nodes: number, shards: number): Measured {
  const names = Array.from({ length: nodes }, (_, index) => `watch-${run}-${index}`)
  const joined = `watch-${run}-${nodes}`
  const before = ownersOf(createRing(names), shards)
  const after = ownersOf(createRing([...names, joined]), shards)
  const moved = after.filter((owner, shard) => owner !== before[shard])
  return {
    most: mostOf(before) / (shards / nodes),
    dice:
      mostOf(Array.from({ length: shards }, () => names[Math.floor(Math.random() * nodes)])) /
      (shards / nodes),
    moved: moved.length / shards,
    strays: moved.filter((owner) => owner !== joined).length,
    own: timed(() => shardsOf(names, names[0] ?? '', shards)),
    order: timed(() => candidates(names)),
  }
}

function ownersOf(ring: Ring, shards: number): readonly (string | null)[] {
  return Array.from({ length: shards }, (_, shard) => ring.owner(`shard:${shard}`))
}

function mostOf(owners: readonly unknown[]): number {
  const counts = Map.groupBy(owners, (owner) => owner)
  return Math.max(...[...counts.values()].map(({ length }) => length))
}

function timed(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

function told(figures: readonly number[], unit = ''): string {
  return `${quantile(figures, 0.5).toFixed(2)}${unit} (${Math.max(...figures).toFixed(2)})`
}
