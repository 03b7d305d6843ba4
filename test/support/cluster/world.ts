import { type NodeState, startNode, step } from '../../../src/cluster/node/node.ts'
import type { Instant, NodeCommand, NodeEvent, NodeSettings } from '../../../src/cluster/node/types.ts'
import type { Reply, Request } from '../../../src/cluster/protocol.ts'
import type { ClusterTiming, MemberInfo, Seat } from '../../../src/core/cluster.ts'
import { type CoordinatorModel, createModel, type Snapshot } from './coordinator-model.ts'
import { fastTiming } from './timing.ts'

/** What is broken on purpose, to see that a simulation notices. */
export interface Sabotage {
  /** What the nodes take for the times; the coordinator has the right ones. */
  readonly timing?: Partial<ClusterTiming>
  /** Nobody waits after data or the server were lost. */
  readonly hasNoQuarantine?: boolean
  /** What becomes of a request before the coordinator reads it. */
  readonly alter?: (request: Request) => Request
  /** What happens to a node before it is told of it. */
  readonly twist?: (state: NodeState, event: NodeEvent, now: Instant) => [NodeState, NodeEvent]
}

const shards: readonly Seat[] = Array.from({ length: 8 }, (_, shard) => `shard:${shard}` as const)
export const seats: readonly Seat[] = ['leader', ...shards]
/** Nothing stays on the way for longer. */
export const slowest = 2500
/** Nodes and their coordinator in virtual time, with all that is on its way between them. */
export interface World {
  readonly nodes: readonly SimulatedNode[]
  readonly model: CoordinatorModel
  readonly sabotage: Sabotage
  readonly random: () => number
  readonly at: (time: number, act: () => void) => void
  readonly queue: { readonly time: number; readonly order: number; readonly act: () => void }[]
  readonly violations: string[]
  readonly history: string[]
  time: number
  serverRate: number
  serverOffset: number
  mayStepBack: boolean
  lastEpoch: number
  snapshots: { readonly time: number; readonly snapshot: Snapshot }[]
  faults: number
  events: number
  grants: number
}

export interface SimulatedNode {
  readonly name: string
  settings: NodeSettings
  readonly rate: number
  state: NodeState
  wallOffset: number
  elapsedOffset: number
  /** Counts its processes: what was meant for an earlier one reaches nobody. */
  life: number
  disk: { floor: number; key: string | null }
  pausedUntil: number
  isSuspended: boolean
  wallFault: 'sleeps' | 'jumps' | null
  wake: number
  link: { requests: number; replies: number; delay: number; refuses: boolean }
}

/** Three to five nodes that have not begun. One seed gives one history. */
export function createWorld(seed: number, sabotage: Sabotage = {}): World {
  const random = randomFrom(seed)
  const timing = { ...fastTiming, ...sabotage.timing }
  let order = 0
  const queue: World['queue'] = []
  const nodes = Array.from({ length: 3 + Math.floor(random() * 3) }, (_, index) =>
    createNode(`n${index}`, timing, random),
  )
  const world: World = {
    nodes,
    model: createModel(fastTiming),
    sabotage,
    random,
    queue,
    at(time, act) {
      order += 1
      insert(queue, { time, order, act })
    },
    violations: [],
    history: [],
    time: 0,
    serverRate: 0.95 + 0.1 * random(),
    serverOffset: 1e9,
    mayStepBack: random() < 0.3,
    lastEpoch: 0,
    snapshots: [],
    faults: 0,
    events: 0,
    grants: 0,
  }
  return world
}

function createNode(name: string, timing: ClusterTiming, random: () => number): SimulatedNode {
  let keys = 0
  const settings: NodeSettings = {
    name,
    timing,
    info: infoOf(name, 'first'),
    shardsOf: (active, self) => shards.filter((seat) => ranked(seat, active)[0] === self),
    candidates: (active) => ranked('leader', active),
    newKey() {
      keys += 1
      return `${name}@${keys}`
    },
    random,
  }
  return {
    name,
    settings,
    rate: 0.95 + 0.1 * random(),
    state: startNode(settings),
    wallOffset: 1e9 + random() * 1e6,
    elapsedOffset: random() * 1e6,
    life: 0,
    disk: { floor: 0, key: null },
    pausedUntil: 0,
    isSuspended: false,
    wallFault: null,
    wake: 0,
    link: { requests: 0, replies: 0, delay: 20, refuses: false },
  }
}

/** Lets all happen that is due until then, or until there is a violation. */
export function run(world: World, end: number, check: (world: World) => void): void {
  for (let next = world.queue.at(-1); next !== undefined && next.time <= end; next = world.queue.at(-1)) {
    if (world.violations.length > 0) return
    world.queue.pop()
    world.time = next.time
    next.act()
    check(world)
  }
  world.time = end
}

export function nowOf({ time }: World, { rate, elapsedOffset, wallOffset }: SimulatedNode): Instant {
  return { elapsed: elapsedOffset + rate * time, wall: wallOffset + rate * time }
}

export function boot(world: World, node: SimulatedNode): void {
  const { floor, key } = node.disk
  node.life += 1
  node.state = startNode(node.settings)
  node.pausedUntil = 0
  const leftover = key !== null && world.random() < 0.5 ? { leftover: key } : {}
  tell(world, node, { type: 'start', floor, ...leftover })
}

/** What a node says of itself with this configuration. */
export function infoOf(name: string, config: string): string {
  const info: MemberInfo = {
    ...{ name, address: null, roles: [], version: '1', config, host: 'h', pid: 1 },
  }
  return JSON.stringify(info)
}

/** Nothing reaches a node that stands still, but all of it when it goes on. */
export function tell(world: World, node: SimulatedNode, event: NodeEvent, life = node.life): void {
  if (life !== node.life) return
  if (world.time < node.pausedUntil) {
    world.at(node.pausedUntil + world.random(), () => tell(world, node, event, life))
    return
  }
  const now = nowOf(world, node)
  const [before, told] = world.sabotage.twist?.(node.state, event, now) ?? [node.state, event]
  const { state, commands } = step(before, told, now, node.settings)
  node.state = state
  world.events += 1
  for (const command of commands) carryOut(world, node, command)
}

function carryOut(world: World, node: SimulatedNode, command: NodeCommand): void {
  const { random, at, time } = world
  const { life, rate } = node
  switch (command.type) {
    case 'call':
      if (command.request.type === 'join') node.disk.key = command.request.key
      send(world, node, command.id, command.request, command.deadline)
      break
    case 'wake': {
      node.wake += 1
      const wake = node.wake
      const wait = Math.max(0, command.at - nowOf(world, node).elapsed) / rate
      // Timers come late, and sometimes a little early.
      at(time + wait + random() * 4 - 0.5, () => {
        if (wake === node.wake) tell(world, node, { type: 'due' }, life)
      })
      break
    }
    case 'drain':
      at(time + random() * 200, () => tell(world, node, { type: 'drained', seat: command.seat }, life))
      break
    case 'save':
      node.disk.floor = command.floor
      break
    case 'stopped':
      note(world, `${node.name} stopped`)
      at(time + random() * 1000, () => boot(world, node))
      break
    case 'gain':
    case 'lose':
      note(world, `${node.name} ${JSON.stringify(command)}`)
      break
  }
}

function send(world: World, node: SimulatedNode, id: number, request: Request, deadline: number): void {
  const { random, at, time } = world
  const { life, link, rate } = node
  const fail = () => tell(world, node, { type: 'failed', id, fault: 'unreachable' }, life)
  if (link.refuses) {
    at(time + 1, fail)
    return
  }
  at(time + deadline / rate, fail)
  if (random() < link.requests) return
  at(time + delayOf(world, node), () => {
    const wall = Math.round(world.serverOffset + world.serverRate * world.time)
    const reply = world.model.call(world.sabotage.alter?.(request) ?? request, wall)
    noteAnswer(world, request, reply)
    if (random() < link.replies) return
    at(world.time + delayOf(world, node), () => tell(world, node, { type: 'answered', id, reply }, life))
  })
}

function delayOf({ random }: World, { link }: SimulatedNode): number {
  return 0.2 + Math.min(slowest, link.delay) * random() ** 3
}

function noteAnswer(world: World, request: Request, reply: Reply): void {
  if (request.type !== 'tick') note(world, `server: ${JSON.stringify(request)} -> ${JSON.stringify(reply)}`)
  if (reply.type === 'ticked') return
  for (const { seat, epoch } of reply.type === 'claimed' ? reply.granted : []) {
    world.grants += 1
    const isKnown = world.history.includes(
      `granted ${seat} ${epoch} to ${'key' in request ? request.key : ''}`,
    )
    if (seat !== 'leader' || isKnown) continue
    if (epoch <= world.lastEpoch) world.violations.push(`I2: epoch ${epoch} after ${world.lastEpoch}`)
    world.lastEpoch = Math.max(world.lastEpoch, epoch)
    world.history.push(`granted ${seat} ${epoch} to ${request.key}`)
  }
  for (const node of world.nodes) {
    if (world.random() < 0.7)
      world.at(world.time + delayOf(world, node), () => tell(world, node, { type: 'hint' }))
  }
}

export function note(world: World, text: string): void {
  world.history.push(`${world.time.toFixed(0)} ${text}`)
}

function ranked(seat: string, names: readonly string[]): readonly string[] {
  const weight = (name: string) => {
    let hash = 2_166_136_261
    for (const char of `${seat}/${name}`) hash = Math.imul(hash ^ char.charCodeAt(0), 16_777_619) >>> 0
    return Math.imul(hash ^ (hash >>> 15), 2_246_822_519) >>> 0
  }
  return [...names].sort((a, b) => weight(b) - weight(a))
}

/** Keeps the queue sorted, the next at its end. */
function insert(queue: World['queue'], item: World['queue'][number]): void {
  let [low, high] = [0, queue.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const other = queue[middle] as World['queue'][number]
    const isLater = other.time > item.time || (other.time === item.time && other.order > item.order)
    if (isLater) low = middle + 1
    else high = middle
  }
  queue.splice(low, 0, item)
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
