import { wordsOf } from '../../../src/cluster/picker/hearsay.ts'
import { idlePicker, step } from '../../../src/cluster/picker/picker.ts'
import type { Outage, PickerEvent, PickerSettings, PickerState } from '../../../src/cluster/picker/types.ts'

/** A network of pickers in simulated time, milliseconds since Redis was lost to the first of them. */
export interface WorldPlan {
  readonly names: readonly string[]
  readonly seed: number
  /** Whether the first can open a connection to the second at a moment. Default: always. */
  readonly reaches?: (from: string, to: string, at: number) => boolean
  /** Whether a node runs at a moment. Default: always. */
  readonly lives?: (name: string, at: number) => boolean
  /** Which nodes still see Redis. Default: none. */
  readonly healthy?: (name: string, at: number) => boolean
  readonly canTell?: (name: string, at: number) => boolean
  /** How many milliseconds before the loss is sure the peers are asked. Default 0. */
  readonly suspects?: number
  readonly outageOf?: (name: string) => Outage
  /** The order of preference as a node sees it. Default: as `names` stand. */
  readonly orderOf?: (name: string) => readonly string[]
  /** Whether alarms never leave the voice. Default: they leave at once. */
  readonly isMute?: boolean
  readonly until: number
}

export interface World {
  readonly alarms: readonly { readonly by: string; readonly at: number; readonly outage: Outage }[]
  readonly reports: readonly { readonly by: string; readonly to: string }[]
  readonly states: ReadonlyMap<string, PickerState>
  /** Names of those that are the voice in the end. */
  readonly voices: readonly string[]
  readonly calls: number
}

export const outage: Outage = { cluster: 'shop', generation: 'g1', lastEpoch: 7 }

/** What the profile for a LAN makes of it. */
export const lanPicker = { period: 1000, step: 400, patience: 3000, deadline: 800, valid: 3000 }

interface Node {
  readonly name: string
  state: PickerState
  due: number
}

/** Runs the network and gives what it did. */
export function runWorld(plan: WorldPlan): World {
  const { names, until } = plan
  const { reaches = () => true, lives = () => true, healthy = () => false, canTell = () => true } = plan
  const random = randomOf(plan.seed)
  const agenda = makeAgenda()
  const alarms: World['alarms'][number][] = []
  const reports: World['reports'][number][] = []
  const nodes = new Map(names.map((name) => [name, { name, state: idlePicker, due: 0 } as Node]))
  let now = 0
  let calls = 0

  const settingsOf = (name: string): PickerSettings => ({ self: name, ...lanPicker })
  const latency = () => 1 + random() * 20

  /** Moves a node; returns whether it granted what it was asked. */
  function move(node: Node, event: PickerEvent): boolean {
    if (!lives(node.name, now)) return false
    const seesRedis = healthy(node.name, now)
    const isAble = canTell(node.name, now)
    const events: PickerEvent[] = [event]
    if (isAble !== node.state.canTell || seesRedis !== node.state.seesRedis)
      events.unshift({ type: 'own', canTell: isAble, seesRedis })
    if (seesRedis && node.state.phase !== 'idle') events.unshift({ type: 'end' })
    let isGranted = false
    for (const one of events) {
      const { state, commands } = step(node.state, one, now, settingsOf(node.name))
      node.state = state
      for (const command of commands) {
        if (command.type === 'answer') isGranted = command.granted
        if (command.type === 'wake') wake(node, command.at)
        if (command.type === 'probe' || command.type === 'announce')
          for (const peer of command.peers) call(node, peer, null)
        if (command.type === 'claim') for (const peer of command.peers) call(node, peer, command.id)
        if (command.type === 'report') reports.push({ by: node.name, to: command.to })
        if (command.type === 'speak' && command.isNew) {
          const { outage } = command
          alarms.push({ by: node.name, at: now, outage })
          if (!plan.isMute) agenda.add(now, () => move(node, { type: 'told', outage, at: now }))
        }
      }
    }
    return isGranted
  }

  function wake(node: Node, at: number): void {
    node.due = at
    agenda.add(at, () => {
      if (node.due === at) move(node, { type: 'due' })
    })
  }

  function greeting(node: Node): Extract<PickerEvent, { type: 'heard' }> {
    const { state, name } = node
    const isHealthy = healthy(name, now)
    const own = {
      name,
      age: 0,
      hops: 0,
      fault: isHealthy ? null : ('unreachable' as const),
      beatAge: isHealthy ? 200 : 5000 + now,
      canTell: canTell(name, now),
      speaks: state.voice === name,
    }
    return {
      type: 'heard',
      from: name,
      outage: state.outage,
      words: [own, ...wordsOf(state.words, state.ranks, now, lanPicker.period)],
      told: state.told,
    }
  }

  function call(from: Node, peer: string, claim: number | null): void {
    calls++
    const to = nodes.get(peer)
    const sent = greeting(from)
    let isAnswered = false
    const answered = (granted: boolean | null) => {
      if (isAnswered || claim === null) return
      isAnswered = true
      move(from, { type: 'answered', id: claim, from: peer, granted })
    }
    agenda.add(now + lanPicker.deadline, () => answered(null))
    if (to === undefined || !reaches(from.name, peer, now)) return
    agenda.add(now + latency(), () => {
      if (!lives(peer, now)) return
      move(to, sent)
      const granted = claim === null ? false : move(to, { type: 'asked', from: from.name })
      const reply = greeting(to)
      agenda.add(now + latency(), () => {
        if (isAnswered || !lives(from.name, now) || !reaches(from.name, peer, now)) return
        move(from, reply)
        answered(granted)
      })
    })
  }

  for (const node of nodes.values()) {
    const begin = 1000 + random() * 600
    const suspects = plan.suspects ?? 0
    if (healthy(node.name, begin)) continue
    const order = plan.orderOf?.(node.name) ?? names
    if (suspects > 0) agenda.add(begin - suspects, () => move(node, { type: 'suspect', order }))
    const own = plan.outageOf?.(node.name) ?? outage
    agenda.add(begin, () => move(node, { type: 'begin', outage: own, order }))
  }
  for (let next = agenda.take(until); next !== null; next = agenda.take(until)) {
    now = next.at
    next.act()
  }
  const voices = names.filter((name) => lives(name, now) && nodes.get(name)?.state.voice === name)
  return {
    alarms,
    reports,
    states: new Map([...nodes].map(([name, { state }]) => [name, state])),
    voices,
    calls,
  }
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

interface Appointment {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** Acts by time, and by age where that is the same: a binary heap. */
function makeAgenda() {
  const heap: Appointment[] = []
  let count = 0
  const isFirst = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]]
    if (one === undefined || other === undefined) return one !== undefined
    return one.at < other.at || (one.at === other.at && one.order < other.order)
  }
  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]]
    if (one === undefined || other === undefined) return
    heap[a] = other
    heap[b] = one
  }
  return {
    add(at: number, act: () => void) {
      heap.push({ at, order: count++, act })
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1
        if (!isFirst(child, parent)) return
        swap(child, parent)
        child = parent
      }
    },
    /** The next one up to `until`; null: none. */
    take(until: number): Appointment | null {
      const first = heap[0]
      const last = heap.at(-1)
      if (first === undefined || last === undefined || first.at > until) return null
      heap.pop()
      if (heap.length === 0) return first
      heap[0] = last
      for (let parent = 0; ; ) {
        const left = parent * 2 + 1
        const child = isFirst(left + 1, left) ? left + 1 : left
        if (!isFirst(child, parent)) return first
        swap(child, parent)
        parent = child
      }
    },
  }
}
