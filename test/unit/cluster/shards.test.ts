import fc from 'fast-check'
import { expect, test } from 'vitest'
import { candidates, seatOf, shardOf, shardsOf } from '../../../src/cluster/shards.ts'

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 })

test('an entry keeps its shard in every version: a few that are written down', () => {
  expect(['cache', 'books', '__proto__', '缓存'].map((name) => shardOf(name, 256))).toEqual([
    224, 205, 56, 169,
  ])
  expect(shardOf('cache', 1)).toBe(0)
})

test('a shard is a number from 0, below their count', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 16_384 }), (name, shards) => {
      const shard = shardOf(name, shards)
      expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true)
    }),
  )
})

test('entries spread over all shards', () => {
  const counts = new Array<number>(64).fill(0)
  for (let entry = 0; entry < 6400; entry++) {
    const shard = shardOf(`site-${entry}`, 64)
    counts[shard] = (counts[shard] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(50)
  expect(Math.max(...counts)).toBeLessThan(160)
})

test('every shard belongs to one active member, whatever the order in which they are known', () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 300 }), (active, shards) => {
      const seats = active.flatMap((self) => shardsOf([...active].reverse(), self, shards))
      const all = Array.from({ length: shards }, (_, shard) => `shard:${shard}`)
      expect([...seats].sort()).toEqual(all.sort())
      expect(active.flatMap((self) => shardsOf(active, self, shards))).toEqual(seats)
    }),
    { numRuns: 40 },
  )
})

test('who is not active gets no shard', () => {
  expect(shardsOf(['a', 'b'], 'c', 64)).toEqual([])
  expect(shardsOf([], 'a', 64)).toEqual([])
  expect(shardsOf(['a'], 'a', 3)).toEqual(['shard:0', 'shard:1', 'shard:2'])
})

test('a member that joins takes shards from others, and no shard moves between those', () => {
  fc.assert(
    fc.property(names, (active) => {
      const joined = [...active, 'a new member']
      for (const self of active) {
        const before = shardsOf(active, self, 128)
        expect(before).toEqual(expect.arrayContaining([...shardsOf(joined, self, 128)]))
      }
    }),
    { numRuns: 30 },
  )
})

test('all members are candidates, in one order for all; who is gone leaves the others in theirs', () => {
  fc.assert(
    fc.property(names, (active) => {
      const order = candidates(active)
      expect([...order].sort()).toEqual([...active].sort())
      expect(candidates([...active].reverse())).toEqual(order)
      const [first, ...others] = order
      expect(candidates(active.filter((name) => name !== first))).toEqual(others)
    }),
  )
})

test('an entry is told from the seat that its scope and its spread ask for', () => {
  const entry = { name: 'cache', scope: 'cluster', spread: 'ring' } as const
  expect(seatOf(entry, 256)).toBe(`shard:${shardOf('cache', 256)}`)
  expect(seatOf({ ...entry, spread: 'leader' }, 256)).toBe('leader')
  expect(seatOf({ ...entry, scope: 'node' }, 256)).toBe('node')
})
