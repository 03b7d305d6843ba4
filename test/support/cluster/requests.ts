import * as fc from 'fast-check'
import type { Reply, Request } from '../../../src/cluster/protocol.ts'
import type { MemberInfo } from '../../../src/core/cluster.ts'

export function memberInfo(name: string): MemberInfo {
  return {
    ...{ name, address: null, roles: ['web', 'é|"'], version: '1.0.0', config: 'abc' },
    ...{ host: `host of ${name}`, pid: 7 },
  }
}

/** Keys of the members that take part: the first two are the same node, and one name tries the separators. */
export const actorKeys = ['a@1', 'a@2', 'b@1', 'c|%d-[.@1', 'd@1'] as const

/** Something that happens to a cluster. Which session or generation a request names is known only when it is made. */
export type Step =
  /** Time goes on; the clock of the server may jump. */
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'ask'; readonly actor: number; readonly what: What }
  /** These members beat so often, every 250 ms; the others fall silent. */
  | { readonly type: 'live'; readonly actors: readonly number[]; readonly beats: number }
  | { readonly type: 'flush' | 'snapshot' | 'rollback' | 'restart' }

type What =
  | { readonly type: 'join' }
  | {
      readonly type: 'tick'
      /** Whether it has given up what it was granted, all of it or all but the last. */
      readonly spent: 'nothing' | 'earlier' | 'all'
      readonly vitals: string
      readonly config: string
      readonly knows: 'all' | 'nothing'
    }
  | { readonly type: 'claim'; readonly seats: readonly string[] }
  | { readonly type: 'release'; readonly seats: readonly string[]; readonly upTo: 'earlier' | 'all' }
  | { readonly type: 'retire' }
  | { readonly type: 'leave'; readonly isWhichever: boolean }
  /** Says of itself what no longer holds. */
  | { readonly type: 'lie'; readonly about: 'session' | 'generation' }

const actor = fc.nat(actorKeys.length - 1)
const seats = fc.array(fc.constantFrom('leader', 'shard:0', 'shard:1', 'shard:2'), { maxLength: 4 })

const what: fc.Arbitrary<What> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('join' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('tick' as const),
      spent: fc.constantFrom('nothing' as const, 'earlier' as const, 'all' as const),
      vitals: fc.constantFrom('', '{"at":1}', '{"at":2}'),
      config: fc.constantFrom('', 'abc', 'def'),
      knows: fc.constantFrom('all' as const, 'nothing' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('claim' as const), seats }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('release' as const),
      seats,
      upTo: fc.constantFrom('earlier' as const, 'all' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('retire' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('leave' as const), isWhichever: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('lie' as const),
      about: fc.constantFrom('session' as const, 'generation' as const),
    }),
  },
)

/** Lists of steps in which all that the protocol knows comes to pass. */
export const histories: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: fc.record({ type: fc.constant('ask' as const), actor, what }) },
      {
        weight: 12,
        arbitrary: fc.record({
          type: fc.constant('live' as const),
          actors: fc.subarray(actorKeys.map((_, index) => index)),
          beats: fc.integer({ min: 1, max: 10 }),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          type: fc.constant('pass' as const),
          ms: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constantFrom(-3_600_000, -500, 5000, 3_600_000)),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constantFrom(
            'flush' as const,
            'snapshot' as const,
            'rollback' as const,
            'restart' as const,
          ),
        }),
      },
    ),
    { minLength: 20, maxLength: 60, size: 'max' },
  )
  .map((steps) => [...opening, ...steps])

/** Without it most histories would end before anyone held anything. */
const opening: readonly Step[] = [
  { type: 'ask', actor: 0, what: { type: 'join' } },
  { type: 'ask', actor: 2, what: { type: 'join' } },
  { type: 'live', actors: [0, 2], beats: 9 },
  { type: 'ask', actor: 2, what: { type: 'claim', seats: ['shard:0', 'leader'] } },
]

/** In which comes to pass what few of the others see. */
export const eventful: readonly Step[] = [
  ...opening,
  { type: 'ask', actor: 0, what: { type: 'claim', seats: ['shard:1'] } },
  { type: 'restart' },
  { type: 'ask', actor: 2, what: { type: 'claim', seats: ['leader'] } },
  { type: 'ask', actor: 2, what: { type: 'claim', seats: ['leader', 'shard:1', 'shard:2'] } },
  { type: 'ask', actor: 2, what: { type: 'release', seats: ['shard:0', 'leader'], upTo: 'earlier' } },
  { type: 'ask', actor: 0, what: { type: 'release', seats: ['shard:1'], upTo: 'earlier' } },
  { type: 'ask', actor: 0, what: { type: 'release', seats: ['shard:1'], upTo: 'all' } },
  { type: 'live', actors: [0, 2], beats: 9 },
]

/** What the members remember between their requests, as nodes do. */
export class Actors {
  readonly #known = actorKeys.map(() => stranger)

  known(index: number): Known {
    return this.#known[index] ?? stranger
  }

  request(index: number, asked: What): Request {
    const key = actorKeys[index] ?? ''
    const name = key.split('@')[0] ?? ''
    const { session, generation, version, floor, granted } = this.known(index)
    const known = { type: 'tick', key, session, generation, floor, version } as const
    const tick = { ...known, spent: 0, vitals: '', info: '' }
    const upTo = { nothing: 0, earlier: granted - 1, all: floor }
    switch (asked.type) {
      case 'join':
        return { type: 'join', key, info: JSON.stringify(memberInfo(name)), floor }
      case 'tick':
        return {
          ...tick,
          vitals: asked.vitals,
          spent: upTo[asked.spent],
          info: asked.config && JSON.stringify({ ...memberInfo(name), config: asked.config }),
          version: asked.knows === 'all' ? version : 0,
        }
      case 'lie':
        return asked.about === 'session'
          ? { ...tick, session: session - 1 }
          : { ...tick, generation: 'another' }
      case 'claim':
        return { type: 'claim', key, session, floor, seats: asked.seats }
      case 'release':
        return { type: 'release', key, session, seats: asked.seats, upTo: upTo[asked.upTo] }
      case 'retire':
        return { type: 'retire', key, session }
      case 'leave':
        return { type: 'leave', key, session: asked.isWhichever ? 0 : session }
    }
  }

  hear(index: number, reply: Reply): void {
    const known = this.known(index)
    if (reply.type === 'claimed') {
      const granted = Math.max(known.granted, ...reply.granted.map(({ epoch }) => epoch))
      this.#known[index] = { ...known, granted }
    }
    if (reply.type !== 'joined' && reply.type !== 'ticked') return
    const { session, generation, version, epoch: floor } = reply
    this.#known[index] = { session, generation, version, floor, granted: known.granted }
  }
}

interface Known {
  readonly session: number
  readonly generation: string
  readonly version: number
  readonly floor: number
  /** The highest epoch that it was granted. */
  readonly granted: number
}

const stranger: Known = { session: 1, generation: 'none', version: 0, floor: 0, granted: 0 }
