import { describe, expect, it } from 'vitest'
import {
  holds,
  mayCure,
  type NodeState,
  outlook,
  startNode,
  step,
} from '../../../../src/cluster/node/node.ts'
import type { NodeCommand, NodeEvent, NodeSettings } from '../../../../src/cluster/node/types.ts'
import type { Beat, Reply, Request } from '../../../../src/cluster/protocol.ts'
import type { Member, Seat } from '../../../../src/core/cluster.ts'

const timing = { beat: 200, valid: 1200, lease: 2000, clockStep: 300, settle: 200, batch: 100 }
const wallAtStart = 1_000_000

/** One node with its clocks in the test's hand. */
class Bench {
  now = { elapsed: 0, wall: wallAtStart }
  shards: readonly Seat[] = []
  order: readonly string[] = ['a', 'b', 'c', 'd']
  commands: readonly NodeCommand[] = []
  all: NodeCommand[] = []
  private keys = 0
  readonly settings: NodeSettings = {
    name: 'a',
    timing,
    info: '{"name":"a"}',
    shardsOf: () => this.shards,
    candidates: () => this.order,
    newKey: () => {
      this.keys += 1
      return `a@${this.keys}`
    },
    random: () => 0.5,
  }
  state: NodeState = startNode(this.settings)

  tell(event: NodeEvent): this {
    Object.freeze(this.state)
    const { state, commands } = step(this.state, event, this.now, this.settings)
    this.state = state
    this.commands = commands
    this.all.push(...commands)
    return this
  }

  /** Both clocks go on, and the node is woken. */
  pass(ms: number): this {
    this.now = { elapsed: this.now.elapsed + ms, wall: this.now.wall + ms }
    return this.tell({ type: 'due' })
  }

  get request(): Request | undefined {
    return this.state.call?.request
  }

  answer(reply: Reply): this {
    return this.tell({ type: 'answered', id: this.state.call?.id ?? 0, reply })
  }

  fail(): this {
    return this.tell({ type: 'failed', id: this.state.call?.id ?? 0, fault: 'unreachable' })
  }

  /** A member, active, after its first heartbeats; `b` leads. */
  member(leader: Beat['leader'] = { key: 'b@1', name: 'b', epoch: 5 }): this {
    this.tell({ type: 'start', floor: 0 })
    this.answer({ type: 'joined', ...beat({ members: [member('a', 'joining'), member('b')] }) })
    this.pass(200).answer(ticked({ leader, members: [member('a'), member('b')], version: 2, ringVersion: 2 }))
    return this
  }

  /** A leader with the epoch 10. */
  leader(): this {
    this.member(null)
    expect(this.request).toMatchObject({ type: 'claim', seats: ['leader'] })
    return this.answer(granted({ leader: 10 }))
  }

  is(type: NodeCommand['type']): readonly NodeCommand[] {
    return this.commands.filter((command) => command.type === type)
  }

  holds(seat: Seat): boolean {
    return holds(this.state, seat, this.now, this.settings)
  }
}

const member = (name: string, state: Member['state'] = 'active', key = `${name}@1`): Member => ({
  name,
  key,
  state,
  address: null,
  roles: [],
  version: '1',
  config: 'c',
  host: 'h',
  pid: 1,
})

const beat = (more: Partial<Beat> = {}): Beat => ({
  generation: 'g1',
  server: 's1',
  session: 3,
  clock: 0,
  epoch: 3,
  quarantine: 0,
  version: 1,
  ringVersion: 1,
  members: null,
  leader: null,
  wall: wallAtStart,
  ...more,
})

const ticked = (more: Partial<Beat> = {}): Reply => ({
  type: 'ticked',
  ...beat({ version: 2, ringVersion: 2, ...more }),
})
const mine = (epoch: number) => ({ key: 'a@1', name: 'a', epoch })
const granted = (epochs: Record<string, number>, refused: readonly string[] = [], quarantine = 0): Reply => ({
  type: 'claimed',
  granted: Object.entries(epochs).map(([seat, epoch]) => ({ seat, epoch })),
  refused: refused.map((seat) => ({ seat, holder: quarantine > 0 ? '' : 'b@1' })),
  quarantine,
})
const refused = (why: (Reply & { type: 'refused' })['why'], wait = 0): Reply => ({
  type: 'refused',
  why,
  wait,
})

describe('a session', () => {
  it('begins with the floor from disk, after an earlier process has been taken out', () => {
    const bench = new Bench().tell({ type: 'start', floor: 7, leftover: 'a@old' })
    expect(bench.request).toEqual({ type: 'leave', key: 'a@old', session: 0 })
    bench.answer({ type: 'done' })
    expect(bench.request).toMatchObject({ type: 'join', key: 'a@1', floor: 7 })
    bench.answer({ type: 'joined', ...beat({ session: 9, epoch: 9 }) })
    expect(bench.commands[0]).toEqual({ type: 'save', floor: 9 })
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'node', epoch: 9 }])
    expect(outlook(bench.state)).toMatchObject({ mode: 'member', session: 9, floor: 9 })
  })

  it('begins under a key of its own each time a join has failed', () => {
    const bench = new Bench().tell({ type: 'start', floor: 0 }).fail().pass(220)
    expect(bench.request).toEqual({ type: 'leave', key: 'a@1', session: 0 })
    expect(bench.answer({ type: 'done' }).request).toMatchObject({ type: 'join', key: 'a@2' })
  })

  it('waits while another has its name, at most a lease', () => {
    const bench = new Bench().tell({ type: 'start', floor: 0 }).answer(refused('duplicate', 9000))
    expect(bench.is('duplicate')).toEqual([{ type: 'duplicate', wait: 9000 }])
    expect(bench.pass(1999).request).toBeUndefined()
    expect(bench.pass(1).request).toMatchObject({ type: 'join', key: 'a@2' })
  })

  it('ends with all seats when Redis knows it no more, and another begins', () => {
    const bench = new Bench().leader().pass(200).answer(refused('session'))
    expect(bench.is('lose').map((command) => command.type === 'lose' && command.seat)).toEqual([
      'node',
      'leader',
    ])
    expect(bench.request).toMatchObject({ type: 'join', key: 'a@2' })
  })

  it('names both generations when data were lost', () => {
    const bench = new Bench().leader().pass(200).answer(refused('generation'))
    expect(bench.is('lose')[0]).toMatchObject({ why: 'data-lost' })
    bench.answer({ type: 'joined', ...beat({ generation: 'g2' }) })
    expect(bench.is('data-lost')).toEqual([{ type: 'data-lost', before: 'g1', after: 'g2' }])
  })

  it('knows that data were lost while no process of it ran', () => {
    const joined = (generation: string) => ({ type: 'joined', ...beat({ generation }) }) as const
    const other = new Bench().tell({ type: 'start', floor: 0, generation: 'g1' }).answer(joined('g2'))
    expect(other.is('data-lost')).toEqual([{ type: 'data-lost', before: 'g1', after: 'g2' }])
    const same = new Bench().tell({ type: 'start', floor: 0, generation: 'g1' }).answer(joined('g1'))
    expect(same.is('data-lost')).toEqual([])
  })
})

describe('validity', () => {
  it('counts from when the heartbeat was sent, not from its answer (R1)', () => {
    const bench = new Bench().leader().pass(200)
    bench.pass(150).answer(ticked({ leader: mine(10) }))
    const sentAt = 400
    bench.now = { elapsed: sentAt + 1199, wall: wallAtStart + sentAt + 1199 }
    expect(bench.holds('leader')).toBe(true)
    bench.now = { elapsed: sentAt + 1200, wall: wallAtStart + sentAt + 1200 }
    expect(bench.holds('leader')).toBe(false)
  })

  it('ends without any event (R11), and the first event afterwards takes the seats', () => {
    const bench = new Bench().leader()
    bench.now = { elapsed: 5000, wall: wallAtStart + 5000 }
    expect(bench.holds('leader')).toBe(false)
    bench.tell({ type: 'vitals', json: '{}' })
    expect(bench.commands[0]).toEqual({ type: 'lose', seat: 'node', why: 'lapsed' })
    expect(bench.commands[1]).toEqual({ type: 'lose', seat: 'leader', why: 'lapsed' })
  })

  it.each([700, -700])(
    'ends when the wall clock jumps by %i ms, and is asked for again at once (R10)',
    (jump) => {
      const bench = new Bench().leader()
      bench.now = { elapsed: bench.now.elapsed + 10, wall: bench.now.wall + 10 + jump }
      expect(bench.holds('leader')).toBe(false)
      bench.tell({ type: 'vitals', json: '{}' })
      expect(bench.is('lose')[0]).toMatchObject({ why: 'clock-jumped' })
      expect(bench.request).toMatchObject({ type: 'tick' })
    },
  )

  it('ends when the machine slept: the wall clock saw it', () => {
    const bench = new Bench().leader()
    bench.now = { elapsed: bench.now.elapsed, wall: bench.now.wall + 3000 }
    expect(bench.holds('leader')).toBe(false)
    expect(bench.holds('node')).toBe(false)
  })
})

describe('the leadership', () => {
  it('is claimed in the order of the ring, and by then only while it is vacant', () => {
    const bench = new Bench()
    bench.order = ['b', 'a']
    bench.member(null)
    expect(bench.request).toBeUndefined()
    bench.pass(149)
    expect(bench.request).toBeUndefined()
    expect(bench.pass(1).request).toMatchObject({ type: 'claim', seats: ['leader'] })
    const late = new Bench()
    late.order = ['b', 'c', 'a']
    late
      .member(null)
      .pass(200)
      .answer(ticked({ leader: { key: 'b@1', name: 'b', epoch: 5 } }))
    expect(late.pass(150).request).toBeUndefined()
  })

  it('is left to the first three for a while by all others', () => {
    const bench = new Bench()
    bench.order = ['b', 'c', 'd']
    bench.member(null)
    for (const _ of [1, 2, 3]) bench.pass(200).answer(ticked())
    expect(bench.request).toBeUndefined()
    bench.pass(75)
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['leader'] })
  })

  it('stays where it is while another member leads (sticky)', () => {
    const bench = new Bench().member()
    expect(bench.request).toBeUndefined()
    expect(outlook(bench.state).leader).toMatchObject({ name: 'b' })
  })

  it('is never revived once it lapsed: it goes back and is claimed anew (R2)', () => {
    const bench = new Bench().leader().pass(1300)
    expect(bench.is('lose')).toContainEqual({ type: 'lose', seat: 'leader', why: 'lapsed' })
    bench.answer(ticked({ leader: mine(10) }))
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'node', epoch: 3 }])
    expect(bench.request).toMatchObject({ type: 'release', seats: ['leader'] })
    bench.answer({ type: 'done' })
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['leader'] })
    expect(bench.answer(granted({ leader: 10 })).holds('leader')).toBe(false)
    bench.answer({ type: 'done' }).answer(granted({ leader: 11 }))
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'leader', epoch: 11 }])
  })

  it('goes back when Redis books it here and it is not held', () => {
    const bench = new Bench().member(mine(8))
    expect(bench.request).toMatchObject({ type: 'release', seats: ['leader'] })
  })

  it('is given up by the heartbeats of who hears no answers, once it lapsed (R9)', () => {
    const bench = new Bench().leader()
    for (let passed = 200; passed < 1200; passed += 200) {
      bench.pass(200)
      expect(bench.request).toMatchObject({ type: 'tick', spent: 0 })
      bench.fail()
    }
    bench.pass(200).fail().pass(200)
    expect(bench.request).toMatchObject({ type: 'tick', spent: 10 })
  })

  it('ends with the session where a claim of it may have been granted, and no answer comes (R9)', () => {
    const bench = new Bench().member(null)
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['leader'] })
    bench.fail()
    for (let passed = 200; passed < 1200; passed += 200) {
      expect(bench.pass(200).request).toMatchObject({ type: 'tick' })
      bench.fail()
    }
    expect(bench.pass(200).fail().request ?? bench.pass(200).request).toEqual({
      ...{ type: 'leave', key: 'a@1', session: 0 },
    })
  })

  it('is lost at once when Redis books it elsewhere', () => {
    const bench = new Bench().leader().pass(200).answer(ticked())
    expect(bench.is('lose')).toEqual([{ type: 'lose', seat: 'leader', why: 'taken' }])
  })

  it('is not taken from a grant that comes too late (R3)', () => {
    const bench = new Bench().member(null)
    const { id } = bench.state.call ?? { id: 0 }
    bench.now = { elapsed: bench.now.elapsed + 1200, wall: bench.now.wall + 1200 }
    bench.tell({ type: 'answered', id, reply: granted({ leader: 10 }) })
    expect(bench.is('gain')).toEqual([])
    expect(bench.holds('leader')).toBe(false)
  })

  it('is not claimed in a quarantine', () => {
    const bench = new Bench().tell({ type: 'start', floor: 0 })
    bench.answer({ type: 'joined', ...beat({ members: [member('a')], quarantine: 500 }) })
    expect(bench.request).toBeUndefined()
    bench.pass(200).answer(ticked({ clock: 200, quarantine: 300, version: 1, ringVersion: 1 }))
    expect(bench.request).toBeUndefined()
    bench.pass(200).answer(ticked({ clock: 400, quarantine: 100, version: 1, ringVersion: 1 }))
    expect(mayCure(bench.state, bench.now, bench.settings)).toBe(false)
    expect(bench.pass(99).request).toBeUndefined()
    expect(bench.pass(1).request).toMatchObject({ type: 'claim', seats: ['leader'] })
  })

  it('is given away when asked for, and left to others for a lease', () => {
    const bench = new Bench().leader().tell({ type: 'resign' })
    expect(bench.is('lose')).toEqual([{ type: 'lose', seat: 'leader', why: 'resigned' }])
    expect(bench.request).toMatchObject({ type: 'release', seats: ['leader'] })
    bench.answer({ type: 'done' })
    for (let passed = 0; passed < 1800; passed += 200) {
      expect(bench.request).toBeUndefined()
      bench.pass(200).answer(ticked())
    }
    expect(bench.pass(210).answer(ticked()).request).toMatchObject({ type: 'claim', seats: ['leader'] })
  })
})

describe('calls', () => {
  it('are one at a time, and answers to others are passed over (R3)', () => {
    const bench = new Bench().member(null)
    const { state } = bench
    bench.tell({ type: 'answered', id: 99, reply: granted({ leader: 10 }) })
    expect(bench.state.held).toEqual(state.held)
    bench.pass(100)
    expect(bench.is('call')).toEqual([])
  })

  it('are given up, with the connection, when they are late or fail (R8)', () => {
    const bench = new Bench().member().pass(200)
    bench.pass(179)
    expect(bench.is('reset')).toEqual([])
    bench.pass(1)
    expect(bench.is('reset')).toHaveLength(1)
    const { held } = bench.state
    expect(bench.pass(20).fail().is('reset')).toHaveLength(1)
    expect(bench.state.held).toEqual(held)
  })

  it('are nothing but heartbeats while Redis does not answer', () => {
    const bench = new Bench().member(null).fail()
    expect(bench.request).toBeUndefined()
    expect(bench.pass(200).request).toMatchObject({ type: 'tick' })
  })

  it('say again what they release until it is answered, for no epoch that comes later (R8)', () => {
    const bench = new Bench().leader().tell({ type: 'resign' })
    expect(bench.request).toMatchObject({ type: 'release', seats: ['leader'], upTo: 10 })
    bench
      .fail()
      .pass(200)
      .answer(ticked({ leader: mine(10) }))
    expect(bench.holds('node'), 'the session goes on').toBe(true)
    expect(bench.request).toMatchObject({ type: 'release', seats: ['leader'], upTo: 10 })
    bench.fail().pass(200).answer(ticked())
    expect(bench.request, 'it was carried out').toBeUndefined()
  })

  it('tell what the node has become until that was written', () => {
    const bench = new Bench().member()
    const info = '{"name":"a","config":"d"}'
    const members = (config: string) => [{ ...member('a'), config }, member('b')]
    bench.tell({ type: 'info', json: info }).pass(200)
    expect(bench.request).toMatchObject({ type: 'tick', info })
    expect(bench.fail().pass(200).request).toMatchObject({ type: 'tick', info })
    bench.answer(ticked({ version: 3, members: members('d') })).pass(200)
    expect(bench.request).toMatchObject({ type: 'tick', info: '' })
    bench.answer(ticked({ version: 4, members: members('c') })).pass(200)
    expect(bench.request, 'one of before came late').toMatchObject({ type: 'tick', info })
  })

  it('follow hints at once, but not more often than every 50 ms', () => {
    const bench = new Bench().member().pass(20).tell({ type: 'hint' })
    expect(bench.request).toBeUndefined()
    expect(bench.pass(30).request).toMatchObject({ type: 'tick' })
    bench.answer(ticked({ leader: { key: 'b@1', name: 'b', epoch: 5 } })).tell({ type: 'hint' })
    expect(bench.request).toBeUndefined()
    expect(bench.pass(50).request).toMatchObject({ type: 'tick' })
  })
})

describe('shards', () => {
  const other = { leader: { key: 'b@1', name: 'b', epoch: 5 } }

  /** Holds shards 1 and 2. */
  const owner = () => {
    const bench = new Bench()
    bench.shards = ['shard:1', 'shard:2']
    bench.member().pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked(other))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
    return bench.answer(granted({ 'shard:1': 11, 'shard:2': 12 }))
  }

  it('are claimed once the ring has settled, at most 500 in a call', () => {
    const bench = new Bench()
    bench.shards = Array.from({ length: 600 }, (_, shard) => `shard:${shard}` as const)
    bench.member()
    expect(bench.request).toBeUndefined()
    bench.pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked(other))
    const { request } = bench
    expect(request?.type === 'claim' && request.seats.length).toBe(500)
    bench.answer(granted(Object.fromEntries(bench.shards.slice(0, 500).map((seat) => [seat, 11]))))
    expect(bench.request).toMatchObject({ type: 'claim', seats: bench.shards.slice(500) })
  })

  it('are claimed again after the next heartbeat where others held them', () => {
    const bench = owner()
    bench.shards = ['shard:1', 'shard:2', 'shard:3']
    bench
      .tell({ type: 'hint' })
      .pass(50)
      .answer(ticked({ ...other, ringVersion: 3 }))
      .pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked({ ...other, ringVersion: 3 }))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:3'] })
    bench.answer(granted({}, ['shard:3']))
    expect(bench.request).toBeUndefined()
    bench.pass(200).answer(ticked({ ...other, ringVersion: 3 }))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:3'] })
  })

  it('are drained, then released, when the ring gives them to others', () => {
    const bench = owner()
    bench.shards = ['shard:1']
    bench
      .pass(200)
      .answer(ticked({ ...other, ringVersion: 3 }))
      .pass(200)
    expect(bench.all).toContainEqual({ type: 'drain', seat: 'shard:2' })
    if (bench.request?.type === 'tick') bench.answer(ticked({ ...other, ringVersion: 3 }))
    expect(bench.request).toBeUndefined()
    expect(bench.holds('shard:2')).toBe(true)
    bench.tell({ type: 'drained', seat: 'shard:2' })
    expect(bench.is('lose')).toEqual([{ type: 'lose', seat: 'shard:2', why: 'handed-over' }])
    expect(bench.request).toMatchObject({ type: 'release', seats: ['shard:2'] })
  })

  it('begin a new spell with the same epoch after a lapse (R2)', () => {
    const bench = owner().pass(1300)
    expect(bench.is('lose')).toContainEqual({ type: 'lose', seat: 'shard:1', why: 'lapsed' })
    bench.answer(ticked(other))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
    bench.answer(granted({ 'shard:1': 11 }, ['shard:2']))
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'shard:1', epoch: 11 }])
    expect(bench.holds('shard:2')).toBe(false)
  })

  it('go back when they lapsed and the ring gave them to others meanwhile', () => {
    const bench = owner().pass(1300)
    bench.shards = ['shard:1']
    bench.state = { ...bench.state, wanted: new Set(['shard:1']) }
    bench.answer(ticked(other))
    expect(bench.request).toMatchObject({ type: 'release', seats: ['shard:2'] })
  })

  it('are confirmed from time to time: another epoch is another spell', () => {
    const bench = owner()
    let confirmed: Request | undefined
    for (let passed = 0; passed < 26_000 && confirmed === undefined; passed += 200) {
      bench.pass(200)
      if (bench.request?.type === 'tick') bench.answer(ticked(other))
      if (bench.request?.type === 'claim') confirmed = bench.request
    }
    expect(confirmed).toMatchObject({ seats: ['shard:1', 'shard:2'] })
    bench.answer(granted({ 'shard:1': 11, 'shard:2': 20 }))
    expect(bench.is('lose')).toEqual([{ type: 'lose', seat: 'shard:2', why: 'taken' }])
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'shard:2', epoch: 20 }])
  })

  it('are lost when another server answers, and wait for the quarantine', () => {
    const bench = owner()
      .pass(200)
      .answer(ticked({ ...other, server: 's2', clock: 400, quarantine: 2000 }))
    expect(bench.is('lose')).toHaveLength(2)
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
    bench.answer(refused('quarantine', 1900)).pass(50)
    expect(bench.request).toMatchObject({ type: 'tick', version: -1 })
    bench.answer(
      ticked({ ...other, server: 's2', clock: 2350, quarantine: 50, members: [member('a'), member('b')] }),
    )
    expect(bench.pass(49).request).toBeUndefined()
    expect(bench.pass(1).request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
  })

  it('are taken up at once where another server grants what was held until now, and nothing else', () => {
    const bench = owner()
    bench.shards = ['shard:1', 'shard:2', 'shard:3']
    bench.pass(200).answer(ticked({ ...other, server: 's2', clock: 400, quarantine: 2000 }))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
    bench.answer(granted({ 'shard:1': 11 }, ['shard:2'], 2000))
    expect(bench.is('gain')).toEqual([{ type: 'gain', seat: 'shard:1', epoch: 11 }])
    for (let clock = 600; clock < 2400; clock += 200) {
      bench.pass(200)
      expect(bench.request, 'the others wait').toMatchObject({ type: 'tick' })
      bench.answer(ticked({ ...other, ringVersion: 3, server: 's2', clock, quarantine: 2400 - clock }))
      expect(bench.request).toBeUndefined()
    }
    bench.pass(200)
    if (bench.request?.type === 'tick')
      bench.answer(ticked({ ...other, ringVersion: 3, server: 's2', clock: 2400 }))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:2', 'shard:3'] })
  })

  it('are not taken from a server that may not know to whom they were granted since', () => {
    const bench = owner().pass(1300).answer(ticked(other))
    expect(bench.request).toMatchObject({ type: 'claim', seats: ['shard:1', 'shard:2'] })
    bench.answer(granted({ 'shard:1': 11 }, ['shard:2'], 2000))
    expect(bench.is('gain')).toEqual([])
    expect(bench.request).toBeUndefined()
  })

  it('that go back are claimed again only when that is known to be done', () => {
    const bench = owner()
    bench.shards = ['shard:1']
    bench
      .pass(200)
      .answer(ticked({ ...other, ringVersion: 3 }))
      .pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked({ ...other, ringVersion: 3 }))
    bench.tell({ type: 'drained', seat: 'shard:2' })
    expect(bench.request).toMatchObject({ type: 'release', seats: ['shard:2'], upTo: 12 })
    bench.shards = ['shard:1', 'shard:2']
    bench.fail()
    for (const _ of [1, 2, 3]) {
      bench.pass(200)
      if (bench.request?.type === 'tick') bench.answer(ticked({ ...other, ringVersion: 4 }))
      expect(bench.state.held.has('shard:2')).toBe(false)
      if (bench.request?.type === 'release') bench.fail()
    }
    expect(bench.state.wanted.has('shard:2')).toBe(true)
    bench.pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked({ ...other, ringVersion: 4 }))
    expect(bench.request).toMatchObject({ type: 'release', seats: ['shard:2'] })
    expect(bench.answer({ type: 'done' }).request).toMatchObject({ type: 'claim', seats: ['shard:2'] })
  })
})

describe('a lost Redis', () => {
  const lost = () => {
    const bench = new Bench().leader()
    for (let passed = 0; passed < 2400; passed += 200) {
      bench.pass(200)
      if (bench.state.call) bench.fail()
    }
    return bench
  }

  it('costs all seats, then the node is degraded, once', () => {
    const bench = lost()
    expect(bench.state.held.size).toBe(0)
    expect(bench.all.filter(({ type }) => type === 'degrade')).toHaveLength(1)
    expect(bench.all.find(({ type }) => type === 'degrade')).toMatchObject({
      fault: 'unreachable',
      since: { elapsed: 200 },
    })
    expect(outlook(bench.state)).toMatchObject({ mode: 'degraded', fault: 'unreachable' })
  })

  it('is no more after two heartbeats, but cures stay off for a lease', () => {
    const bench = lost()
    const hear = () => {
      bench.pass(200)
      if (bench.request?.type === 'release') bench.answer({ type: 'done' })
      if (bench.request?.type === 'tick')
        bench.answer(ticked({ leader: { key: 'b@1', name: 'b', epoch: 15 } }))
    }
    hear()
    expect(outlook(bench.state).mode).toBe('degraded')
    hear()
    expect(bench.all.filter(({ type }) => type === 'recover')).toHaveLength(1)
    for (let passed = 0; passed < 1800; passed += 200) {
      expect(outlook(bench.state).mode).toBe('recovering')
      expect(mayCure(bench.state, bench.now, bench.settings)).toBe(false)
      hear()
    }
    hear()
    expect(outlook(bench.state).mode).toBe('member')
    expect(mayCure(bench.state, bench.now, bench.settings)).toBe(true)
  })

  it('is told by a node that never reached it', () => {
    const bench = new Bench().tell({ type: 'start', floor: 0 })
    for (let passed = 0; passed < 2400; passed += 220) bench.fail().pass(220)
    expect(bench.all.filter(({ type }) => type === 'degrade')).toHaveLength(1)
  })

  it('is not what a node thinks that merely stood still itself', () => {
    const bench = new Bench().member().pass(200).pass(8000)
    expect(bench.is('reset')).toHaveLength(1)
    expect(bench.request).toMatchObject({ type: 'tick' })
    bench.answer(ticked())
    expect(bench.all.filter(({ type }) => type === 'degrade')).toEqual([])
  })
})

describe('stop', () => {
  it('retires, hands shards over, the leadership last, and leaves', () => {
    const bench = new Bench()
    bench.shards = ['shard:1']
    bench.leader().pass(200)
    if (bench.request?.type === 'tick') bench.answer(ticked({ leader: mine(10) }))
    bench.answer(granted({ 'shard:1': 11 })).tell({ type: 'stop' })
    expect(bench.is('drain')).toHaveLength(3)
    expect(outlook(bench.state).mode).toBe('leaving')
    expect(bench.request).toMatchObject({ type: 'retire' })
    bench.answer({ type: 'done' }).tell({ type: 'drained', seat: 'leader' })
    expect(bench.holds('leader')).toBe(true)
    bench.tell({ type: 'drained', seat: 'node' }).tell({ type: 'drained', seat: 'shard:1' })
    expect(bench.is('lose').map((command) => command.type === 'lose' && command.seat)).toEqual([
      'shard:1',
      'leader',
    ])
    expect(bench.request).toMatchObject({ type: 'release', seats: ['shard:1', 'leader'] })
    expect(bench.answer({ type: 'done' }).request).toMatchObject({ type: 'leave', key: 'a@1', session: 3 })
    expect(bench.answer({ type: 'done' }).is('stopped')).toHaveLength(1)
    expect(bench.pass(5000).commands).toEqual([])
  })

  it('is not held up by a Redis that does not answer twice', () => {
    const bench = new Bench().member().tell({ type: 'stop' }).tell({ type: 'drained', seat: 'node' })
    expect(bench.fail().is('stopped')).toEqual([])
    expect(bench.pass(200).fail().is('stopped')).toHaveLength(1)
  })
})
