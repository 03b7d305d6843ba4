import { holds, outlook, startNode } from '../../../src/cluster/node/node.ts'
import { fastTiming } from './timing.ts'
import {
  boot,
  createWorld,
  infoOf,
  note,
  nowOf,
  run,
  type Sabotage,
  type SimulatedNode,
  seats,
  slowest,
  tell,
  type World,
} from './world.ts'

export interface SimulationResult {
  /** What must never be; empty: all was well. */
  readonly violations: readonly string[]
  /** What happened, for whoever looks for a violation's cause. */
  readonly history: readonly string[]
  readonly faults: number
  readonly events: number
  readonly grants: number
}

/** Faults begin in this time, and have all ended some time after. */
const faultTime = 12_000
/** From the last fault until there is a leader and every shard has its owner, in leases. */
const bound = 6

/**
 * Runs a few nodes against the model of the coordinator, in virtual time, with a network that delays, loses and
 * reorders, clocks that run up to 5 % wrong and jump, nodes that stand still, die and come back, and a coordinator
 * that forgets. One seed gives one history.
 */
export function simulate(seed: number, sabotage: Sabotage = {}): SimulationResult {
  const world = createWorld(seed, sabotage)
  for (const node of world.nodes) world.at(world.random() * 500, () => boot(world, node))
  const lastFault = planFaults(world)
  const end = lastFault + slowest + bound * fastTiming.lease
  run(world, end, checkThatNobodyShares)
  checkThatAllIsOwned(world)
  const { violations, history, faults, events, grants } = world
  return { violations, history, faults, events, grants }
}

/** I1 and I7: never do two nodes hold one seat, each by its own clocks, whether it stands still or not. */
export function checkThatNobodyShares(world: World): void {
  const awake = world.nodes.filter(({ isSuspended }) => !isSuspended)
  for (const seat of seats) {
    const holders = awake.filter((node) => holds(node.state, seat, nowOf(world, node), node.settings))
    if (holders.length < 2) continue
    const names = holders.map(({ name, state }) => `${name} (epoch ${state.held.get(seat)})`)
    world.violations.push(`${seat === 'leader' ? 'I1' : 'I7'}: ${names.join(' and ')} hold ${seat}`)
  }
}

/** I7 and I8: long enough after the last fault all is as if there had been none. */
function checkThatAllIsOwned(world: World): void {
  if (world.violations.length > 0) return
  for (const seat of seats) {
    const holder = world.nodes.find((node) => holds(node.state, seat, nowOf(world, node), node.settings))
    if (!holder) world.violations.push(`${seat === 'leader' ? 'I8' : 'I7'}: nobody holds ${seat}`)
    const booked = world.model.holder(seat)
    if (holder && booked?.epoch !== holder.state.held.get(seat))
      world.violations.push(`${seat} is not booked on ${holder.name}`)
  }
  for (const { name, state } of world.nodes) {
    const { mode, members } = outlook(state)
    if (mode !== 'member') world.violations.push(`${name} is ${mode}`)
    for (const other of world.nodes) {
      const known = members.find((member) => member.name === other.name)
      const isCurrent = known && infoOf(known.name, known.config) === other.settings.info
      if (!isCurrent) world.violations.push(`${name} takes ${other.name} for ${known?.config}`)
    }
  }
}

/** Plans what will go wrong; returns when the last of it is over. */
function planFaults(world: World): number {
  const { random, at, nodes } = world
  let last = 0
  let serverFaultAt = 2500
  const count = 1 + Math.floor(random() * 10)
  const plan = (name: string, from: number, length: number, begin: () => void, end?: () => void) => {
    world.faults += 1
    last = Math.max(last, from + length)
    at(from, () => {
      note(world, `fault: ${name} for ${length.toFixed(0)}`)
      begin()
    })
    if (end) at(from + length, end)
  }
  for (let time = 0; time < faultTime + 4000; time += 150) at(time, () => keepSnapshot(world))
  for (const config of ['second', 'third', 'fourth']) {
    const node = nodes[Math.floor(random() * nodes.length)] as SimulatedNode
    at(random() * faultTime, () => reload(world, node, config))
  }
  for (const node of nodes) at(random() * faultTime, () => tell(world, node, { type: 'resign' }))
  for (let index = 0; index < count; index += 1) {
    const from = 1500 + random() * faultTime
    const length = 50 + random() ** 2 * 5000
    // Half of all faults hit who leads then: there they matter most.
    const pick = random()
    const victim = () => {
      const leader = nodes.find(({ state }) => state.held.has('leader'))
      return (pick < 0.5 && leader) || (nodes[Math.floor(random() * nodes.length)] as SimulatedNode)
    }
    let node: SimulatedNode
    const kind = Math.floor(random() * 12)
    if (kind >= 9) {
      if (serverFaultAt > faultTime) continue
      // Two steps of the server's clock in one lease are promised to do no harm, more are not.
      serverFaultAt += fastTiming.lease * 0.6 + random() * 3000
      const act = [forget, fallBack, stepClock][kind - 9] as (world: World) => void
      plan(act.name, serverFaultAt, 0, () => act(world))
      continue
    }
    const faults: Record<number, [string, () => void, (() => void)?]> = {
      0: ['pause', () => pause(world, victim(), length)],
      1: ['pause', () => pause(world, victim(), length)],
      2: [
        'cut',
        () => {
          node = victim()
          Object.assign(node.link, { requests: 1, replies: 1, refuses: random() < 0.5 })
        },
        () => heal(node),
      ],
      3: [
        'replies lost',
        () => {
          node = victim()
          node.link.replies = 1
        },
        () => heal(node),
      ],
      4: [
        'loss',
        () => {
          node = victim()
          Object.assign(node.link, { requests: 0.4, replies: 0.4 })
        },
        () => heal(node),
      ],
      5: [
        'delay',
        () => {
          node = victim()
          node.link.delay = random() < 0.5 ? slowest : 400
        },
        () => heal(node),
      ],
      6: ['wall jump', () => jump(world, victim())],
      7: ['crash', () => crash(world, victim(), random() * 1500)],
      8:
        pick < 0.6
          ? ['stop', () => tell(world, victim(), { type: 'stop' })]
          : ['suspend', () => suspend(world, victim(), length)],
    }
    const [name, begin, end] = faults[kind] as [string, () => void, (() => void)?]
    plan(name, from, length, begin, end)
  }
  return last + 2000
}

/** Not a fault: the configuration is read anew. */
function reload(world: World, node: SimulatedNode, config: string): void {
  if (world.time < node.pausedUntil) return
  const info = infoOf(node.name, config)
  node.settings = { ...node.settings, info }
  tell(world, node, { type: 'info', json: info })
}

function heal({ link }: SimulatedNode): void {
  Object.assign(link, { requests: 0, replies: 0, delay: 20, refuses: false })
}

function pause(world: World, node: SimulatedNode, length: number): void {
  node.pausedUntil = Math.max(node.pausedUntil, world.time + length)
}

/** Not of a node that ever sleeps: a sleep that the wall clock was set back by is seen by nobody but Redis. */
function jump({ random }: World, node: SimulatedNode): void {
  if (node.wallFault === 'sleeps') return
  node.wallFault = 'jumps'
  node.wallOffset += (random() - 0.5) * 20_000
}

/** The machine sleeps: the monotonic clock stands still, the wall clock goes on. */
function suspend(world: World, node: SimulatedNode, length: number): void {
  if (node.isSuspended || node.wallFault === 'jumps') return
  node.wallFault = 'sleeps'
  node.isSuspended = true
  pause(world, node, length)
  world.at(world.time + length, () => {
    node.isSuspended = false
    node.elapsedOffset -= node.rate * length
  })
}

function crash(world: World, node: SimulatedNode, back: number): void {
  node.life += 1
  node.state = startNode(node.settings)
  note(world, `${node.name} is dead`)
  world.at(world.time + back, () => boot(world, node))
}

function forget(world: World): void {
  world.model.flush()
  afterLoss(world)
}

/** Another server takes over, which may be behind and has a clock of its own. */
function fallBack(world: World): void {
  const { random, snapshots, time, model } = world
  const behind = snapshots.filter((one) => one.time >= time - random() * 1500)
  const to = behind[Math.floor(random() * behind.length)]
  if (to && random() < 0.7) model.rollback(structuredClone(to.snapshot))
  model.setServer(`server-${time}`)
  stepClock(world)
  afterLoss(world)
}

function stepClock(world: World): void {
  const { random, mayStepBack } = world
  const size = random() < 0.5 ? 500 : 3_600_000
  world.serverOffset += mayStepBack ? (random() - 0.5) * size : random() * size
}

function afterLoss({ model, sabotage, serverOffset, serverRate, time }: World): void {
  if (!sabotage.hasNoQuarantine) return
  model.call({ type: 'leave', key: 'nobody', session: 1 }, Math.round(serverOffset + serverRate * time))
  const snapshot = model.snapshot()
  if (snapshot) model.rollback({ ...snapshot, quarantineUntil: snapshot.clock })
}

function keepSnapshot(world: World): void {
  world.snapshots = [...world.snapshots.slice(-20), { time: world.time, snapshot: world.model.snapshot() }]
}
