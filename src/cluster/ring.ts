import HashRing from 'hashring'

/** Members on a circle of hashes: which of them a key belongs to, the same on every node that knows the same members. */
export interface Ring {
  /** The member that a key belongs to; null where there are no members. */
  owner(key: string): string | null
  /** Up to `count` members in the order in which they come after the key, its owner first. */
  order(key: string, count: number): readonly string[]
}

/** Points of a member: this many hashes, four points of each. */
const vnodes = 64

/** Where the names of members, and the keys, would else mean something to a plain object, `__proto__` for one. */
const [memberPrefix, keyPrefix] = ['n:', 'k:']

/** A ring of these members. Names may come in any order, and more than once. */
export function createRing(names: readonly string[]): Ring {
  // Where two points fall together the first member has it: without an order nodes could disagree.
  const members = [...new Set(names)].sort()
  // Said of each member, and not the library's own count: with that, shares are rounded and keys move between members
  // that were there before (node-hashring #43).
  const points = Object.fromEntries(members.map((name) => [`${memberPrefix}${name}`, { vnodes }]))
  // MD5, the library's own choice, is not there in FIPS mode. Its cache is a plain object, and cannot be none.
  const ring = new HashRing(points, 'sha256', { 'max cache size': 1 })
  const nameOf = (member: string) => member.slice(memberPrefix.length)
  const order: Ring['order'] = (key, count) =>
    // For the library no members at all are as good as all of them.
    count < 1 ? [] : ring.range(`${keyPrefix}${key}`, count).map(nameOf)
  return { owner: (key) => order(key, 1)[0] ?? null, order }
}
