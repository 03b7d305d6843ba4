import { describe, expect, it } from 'vitest'
import { holds, type NodeState } from '../../../../src/cluster/node/node.ts'
import type { NodeEvent } from '../../../../src/cluster/node/types.ts'
import type { Request } from '../../../../src/cluster/protocol.ts'
import type { Seat } from '../../../../src/core/cluster.ts'
import { checkThatNobodyShares } from '../../../support/cluster/simulation.ts'
import { fastTiming } from '../../../support/cluster/timing.ts'
import {
  boot,
  createWorld,
  nowOf,
  run,
  type Sabotage,
  type SimulatedNode,
  slowest,
  tell,
  type World,
} from '../../../support/cluster/world.ts'

const seeds = Array.from({ length: 25 }, (_, index) => index + 1)
const { beat, valid, lease } = fastTiming
/** Until the node that no answer reaches has noticed and told so, and the next one has heard of it and claimed. */
const succession = 1.05 * valid + 4 * beat + 900

describe('a leader whom no answer reaches, though its requests arrive (R9)', () => {
  it.each(seeds)('frees the seat by its own heartbeats when it has lapsed (seed %i)', (seed) => {
    const world = settled(seed)
    const deaf = holderOf(world, 'leader')
    deaf.link.replies = 1
    passUntil(world, succession, () => holderNow(world, 'leader', deaf) !== undefined)
    expect(world.model.holder('leader')?.name).not.toBe(deaf.name)
    expect(world.violations).toEqual([])
  })

  it.each(seeds)('frees it too when it was never told that it leads (seed %i)', (seed) => {
    const world = settled(seed)
    tell(world, holderOf(world, 'leader'), { type: 'resign' })
    const claims = ({ state: { call } }: SimulatedNode) =>
      call?.request.type === 'claim' && call.request.seats.includes('leader')
    passUntil(world, succession, () => world.nodes.some(claims))
    const deaf = world.nodes.find(claims)
    if (!deaf) throw new Error('nobody claims')
    deaf.link.replies = 1
    passUntil(world, lease + succession, () => holderNow(world, 'leader', deaf) !== undefined)
    expect(world.violations).toEqual([])
  })
})

describe('a server that fell back', () => {
  it('gives a seat to no earlier holder while the last one may trust in it', () => {
    for (const seed of seeds) expect(fallBack(seed), `seed ${seed}`).toEqual([])
  })

  it('would be seen to do so if what it grants were taken for granted', () => {
    expect(seeds.filter((seed) => fallBack(seed, { twist: trusting }).length > 0)).not.toEqual([])
  })
})

describe('a release that comes late', () => {
  it('takes no seat from who has claimed it again', () => {
    for (const seed of seeds) expect(releaseLate(seed), `seed ${seed}`).toEqual([])
  })

  it.each<[string, Sabotage]>([
    ['one of unknown outcome counted as done', { twist: trustingReleases }],
    ['it took back whatever is held', { alter: withoutBound }],
  ])('would be seen to do so if %s', (_, sabotage) => {
    expect(seeds.filter((seed) => releaseLate(seed, sabotage).length > 0)).not.toEqual([])
  })
})

/** A node gives a shard back that another wants, its request is late, and meanwhile it wants the shard itself again. */
function releaseLate(seed: number, sabotage: Sabotage = {}): readonly string[] {
  const world = settled(seed, sabotage)
  const first = world.nodes.find(({ state }) => shardsOf(state).length > 0)
  const other = world.nodes.find((node) => node !== first)
  const seat = first && shardsOf(first.state)[0]
  if (!seat || !other) throw new Error('nobody has a shard')
  const isIdle = () => first.state.call === null && nowOf(world, first).elapsed < first.state.tickAt
  passUntil(world, lease, isIdle)
  const { held, wanted } = first.state
  const others = new Map([...held].filter(([one]) => one !== seat))
  first.state = { ...first.state, held: others, wanted: new Set([...wanted].filter((one) => one !== seat)) }
  other.state = { ...other.state, wanted: new Set([...other.state.wanted, seat]) }
  first.link.delay = slowest
  tell(world, first, { type: 'due' })
  expect(first.state.call?.request).toMatchObject({ type: 'release', seats: [seat] })
  passUntil(world, lease, () => first.state.call?.request.type !== 'release')
  first.link.delay = 20
  first.state = { ...first.state, wanted }
  run(world, world.time + 2 * lease, checkThatNobodyShares)
  return world.violations
}

/**
 * A node is cut off until its session is over and another has its shard; then a server takes over that knows nothing
 * of that, which the first one reaches and the other does not.
 */
function fallBack(seed: number, sabotage: Sabotage = {}): readonly string[] {
  const world = settled(seed, sabotage)
  const first = world.nodes.find(({ state }) => shardsOf(state).length > 0)
  const seat = first && shardsOf(first.state)[0]
  if (!seat) throw new Error('nobody has a shard')
  first.link.requests = 1
  const snapshots = [world.model.snapshot()]
  passUntil(world, 3 * lease, () => {
    if (world.model.holder(seat)?.name === first.name) snapshots.push(world.model.snapshot())
    return holderNow(world, seat, first) !== undefined
  })
  const last = holderNow(world, seat, first) as SimulatedNode
  last.link.requests = 1
  world.model.rollback(snapshots.at(-300) ?? null)
  world.model.setServer('another')
  first.link.requests = 0
  run(world, world.time + 2 * lease, checkThatNobodyShares)
  return world.violations
}

/** Some nodes that are all well, with the quarantine of the beginning over. */
function settled(seed: number, sabotage: Sabotage = {}): World {
  const world = createWorld(seed, sabotage)
  for (const node of world.nodes) boot(world, node)
  run(world, 4 * lease, checkThatNobodyShares)
  return world
}

function passUntil(world: World, most: number, isSo: () => boolean): void {
  for (const end = world.time + most; world.time < end && !isSo(); ) {
    run(world, world.time + 1, checkThatNobodyShares)
    if (world.violations.length > 0) return
  }
  expect(isSo(), 'it has come so').toBe(true)
}

function holderNow(world: World, seat: Seat, except?: SimulatedNode): SimulatedNode | undefined {
  return world.nodes.find(
    (node) => node !== except && holds(node.state, seat, nowOf(world, node), node.settings),
  )
}

function holderOf(world: World, seat: Seat): SimulatedNode {
  const holder = holderNow(world, seat)
  if (!holder) throw new Error(`nobody holds ${seat}`)
  return holder
}

function shardsOf({ held }: NodeState): readonly Seat[] {
  return [...held.keys()].filter((seat) => seat.startsWith('shard:'))
}

function trusting(state: NodeState, event: NodeEvent): [NodeState, NodeEvent] {
  const open = { ...state, quarantineUntil: 0 }
  if (event.type !== 'answered' || event.reply.type !== 'claimed') return [open, event]
  return [open, { ...event, reply: { ...event.reply, quarantine: 0 } }]
}

function trustingReleases(state: NodeState, event: NodeEvent): [NodeState, NodeEvent] {
  const isRelease = event.type === 'failed' && state.call?.request.type === 'release'
  if (!isRelease || event.id !== state.call?.id) return [state, event]
  return [state, { type: 'answered', id: event.id, reply: { type: 'done' } }]
}

function withoutBound(request: Request): Request {
  return request.type === 'release' ? { ...request, upTo: Number.MAX_SAFE_INTEGER } : request
}
