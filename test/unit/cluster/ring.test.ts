import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createRing } from '../../../src/cluster/ring.ts'

/** Names as people give them, and those that mean something to a plain object. */
const name = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'valueOf', 'a:1', 'a:2', '1', '127.0.0.1:80', ''),
  fc.nat(200).map((number) => `node-${number}`),
)
const members = fc.uniqueArray(name, { maxLength: 12 })
const keys = Array.from({ length: 400 }, (_, key) => `shard:${key}`)

const ownersOf = (names: readonly string[]) => {
  const ring = createRing(names)
  return keys.map((key) => ring.owner(key))
}

const inherited = Object.getOwnPropertyNames(Object.prototype).sort()
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(inherited)
})

test('nobody owns anything where there are no members', () => {
  const ring = createRing([])
  expect([ring.owner('a'), ring.order('a', 3)]).toEqual([null, []])
})

test('whoever looks, in whatever order they know the members, sees the same owners', () => {
  fc.assert(
    fc.property(
      members.chain((names) =>
        fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length })),
      ),
      ([names, shuffled]) => {
        expect(ownersOf([...shuffled, ...names.slice(0, 2)])).toEqual(ownersOf(names))
      },
    ),
    { numRuns: 40 },
  )
})

test('where points of two members fall together, all see the same one', () => {
  // Of all pairs of such names these are the first with one point in common; the key lies right before it.
  const names = ['node-229', 'node-271']
  expect(createRing(names).owner('shard:16')).toBe('node-229')
  expect(createRing([...names].reverse()).owner('shard:16')).toBe('node-229')
})

test('a member that joins takes keys from others, and no key moves between those', () => {
  fc.assert(
    fc.property(members, name, (names, joiner) => {
      fc.pre(!names.includes(joiner))
      const [before, after] = [ownersOf(names), ownersOf([...names, joiner])]
      const moved = after.filter((owner, key) => owner !== before[key])
      expect(moved.filter((owner) => owner !== joiner)).toEqual([])
      expect(moved.length).toBeGreaterThan(0)
    }),
    { numRuns: 60 },
  )
})

test('keys stay where they are when members join up to sizes at which the library alone would round', () => {
  const names = Array.from({ length: 57 }, (_, index) => `node-${index}`)
  for (const size of [6, 13, 27, 48, 55]) {
    const [before, after] = [ownersOf(names.slice(0, size)), ownersOf(names.slice(0, size + 1))]
    const strays = after.filter((owner, key) => owner !== before[key] && owner !== names[size])
    expect({ size, strays }).toEqual({ size, strays: [] })
  }
})

test('a key belongs to one of the members, which comes first in its order; all follow, each once', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: 12 }),
      name,
      fc.nat(15),
      (names, key, count) => {
        const ring = createRing(names)
        const order = ring.order(key, names.length)
        expect([...order].sort()).toEqual([...names].sort())
        expect(ring.owner(key)).toBe(order[0])
        expect(ring.order(key, count)).toEqual(order.slice(0, count))
      },
    ),
    { numRuns: 60 },
  )
})

test('who follows an owner gets its keys when it is gone', () => {
  const names = ['a', 'b', 'c', 'd']
  const [ring, without] = [createRing(names), createRing(['a', 'c', 'd'])]
  const orphans = keys.filter((key) => ring.owner(key) === 'b')
  expect(orphans.length).toBeGreaterThan(0)
  for (const key of orphans) expect(without.owner(key)).toBe(ring.order(key, 2)[1])
})

describe('keys that mean something to a plain object', () => {
  const odd = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

  test('are keys like others, asked often, and leave all objects as they are', () => {
    const ring = createRing(['a', 'b', 'c'])
    const first = odd.map((key) => ring.owner(key))
    expect(first.every((owner) => owner !== null && ['a', 'b', 'c'].includes(owner))).toBe(true)
    for (let again = 0; again < 3; again++) expect(odd.map((key) => ring.owner(key))).toEqual(first)
    expect({} as { value?: unknown }).not.toHaveProperty('value')
  })

  test('are names of members like others', () => {
    const owners = new Set(ownersOf([...odd, 'plain']))
    expect([...owners].sort()).toEqual([...odd, 'plain'].sort())
  })
})

test.each([3, 10, 50])('%i members have fair shares', (size) => {
  const ring = createRing(Array.from({ length: size }, (_, index) => `node-${index}.example.internal`))
  const shares = new Map<string | null, number>()
  const total = 20_000
  for (let key = 0; key < total; key++) {
    const owner = ring.owner(`key-${key}`)
    shares.set(owner, (shares.get(owner) ?? 0) + 1)
  }
  const mean = total / size
  expect(shares.size).toBe(size)
  expect(Math.max(...shares.values()) / mean).toBeLessThan(1.35)
  expect(Math.min(...shares.values()) / mean).toBeGreaterThan(0.65)
})
