import type { Beat, Holder, Refusal, Reply, Request } from '../../../src/cluster/protocol.ts'
import type { ClusterTiming, Member, MemberInfo } from '../../../src/core/cluster.ts'

/**
 * What the scripts in Redis do, as plain code: the same requests at the same wall times give the same replies. For
 * simulations, and as what the scripts are compared with.
 */
export function createModel(timing: ClusterTiming, firstServer = 'server-1'): CoordinatorModel {
  let server = firstServer
  let data: Data | null = null
  return {
    call(request, wall, from = server) {
      data = clocked(data ?? created(from, wall, timing), from, wall, timing)
      return answer(request, data, wall, timing)
    },
    holds({ key, session, generation, seat, epoch }, wall, from = server) {
      if (data === null || data.generation !== generation) return false
      data = clocked(data, from, wall, timing)
      if (!isLive(data, key, session)) return false
      if (seat === 'node') return epoch === session
      const spell = data.own.get(seat)
      return spell?.key === key && spell.session === session && spell.epoch === epoch
    },
    holder: (seat) => (data ? holderOf(data, seat) : null),
    lost: () => new Map(data?.lost),
    changes: () => data?.changes ?? [],
    vitals: () => new Map(data?.vitals),
    flush() {
      data = null
    },
    snapshot: () => structuredClone(data),
    rollback(snapshot) {
      data = structuredClone(snapshot)
    },
    setServer(runId) {
      server = runId
    },
  }
}

export interface CoordinatorModel {
  /** `wall`: the server's own clock, whole milliseconds. `server`: what `setServer` said last, if left out. */
  call(request: Request, wall: number, server?: string): Reply
  /** What the guard of a store's scripts says: whether this writer may write. */
  holds(writer: Writer, wall: number, server?: string): boolean
  /** Who holds a seat now, with a live session; the lease clock stays as the last call left it. */
  holder(seat: string): Holder | null
  lost(): ReadonlyMap<string, { readonly at: number; readonly host: string }>
  /** The last grants of the leadership, newest last; at most 20. */
  changes(): readonly { readonly at: number; readonly name: string; readonly epoch: number }[]
  vitals(): ReadonlyMap<string, string>
  /** All data are gone. */
  flush(): void
  snapshot(): Snapshot
  /** The data are again what they were; the server's clock goes on. */
  rollback(snapshot: Snapshot): void
  /** The process behind the connection is another one: a restart or a failover. */
  setServer(runId: string): void
}

/** Who wants to write, and with what right. */
export interface Writer {
  readonly key: string
  readonly session: number
  readonly generation: string
  readonly seat: string
  readonly epoch: number
}

export type Snapshot = Data | null

interface Data {
  readonly generation: string
  /** The server's wall clock at the last call. */
  raw: number
  /** The lease clock. */
  clock: number
  server: string
  /** On the lease clock: until then nobody takes over. */
  quarantineUntil: number
  epoch: number
  version: number
  ringVersion: number
  readonly sessions: Map<string, Session>
  readonly own: Map<string, { readonly key: string; readonly session: number; readonly epoch: number }>
  readonly vitals: Map<string, string>
  readonly lost: Map<string, { readonly at: number; readonly host: string }>
  changes: readonly { readonly at: number; readonly name: string; readonly epoch: number }[]
}

interface Session {
  readonly session: number
  readonly state: Member['state']
  readonly info: MemberInfo
  /** The same as it was written. */
  readonly written: string
  /** On the lease clock: when it may become active. */
  readonly activeAt: number
  /** On the lease clock: it is dead from then on. */
  readonly deadline: number
}

function created(server: string, wall: number, { lease }: ClusterTiming): Data {
  return {
    generation: `${server.slice(0, 8)}-${wall * 1000}`,
    raw: wall,
    clock: 0,
    server,
    quarantineUntil: lease,
    epoch: 0,
    version: 0,
    ringVersion: 0,
    sessions: new Map(),
    own: new Map(),
    vitals: new Map(),
    lost: new Map(),
    changes: [],
  }
}

function clocked(data: Data, server: string, wall: number, { lease, clockStep }: ClusterTiming): Data {
  data.clock += Math.min(Math.max(wall - data.raw, 0), clockStep)
  data.raw = wall
  if (data.server !== server) {
    data.server = server
    data.quarantineUntil = data.clock + lease
  }
  return data
}

function answer(request: Request, data: Data, wall: number, timing: ClusterTiming): Reply {
  switch (request.type) {
    case 'join':
      return join(request, data, wall, timing)
    case 'tick':
      return tick(request, data, wall, timing)
    case 'claim':
      return claim(request, data, wall)
    case 'release':
      return release(request, data)
    case 'retire':
      return retire(request, data)
    case 'leave':
      return leave(request, data)
  }
}

function join(request: RequestOf<'join'>, data: Data, wall: number, timing: ClusterTiming): Reply {
  const info: MemberInfo = JSON.parse(request.info)
  const namesakes = [...data.sessions].filter(
    ([
      key,
      {
        info: { name },
      },
    ]) => {
      return name === info.name && key !== request.key
    },
  )
  const live = namesakes.map(([, { deadline }]) => deadline).filter((deadline) => deadline > data.clock)
  if (live.length > 0) return refused('duplicate', Math.max(...live) - data.clock)
  for (const key of [...namesakes.map(([key]) => key), request.key]) forget(data, key)
  const session = nextEpoch(data, request.floor, wall)
  const activeAt = Math.ceil((data.clock + timing.settle) / timing.batch) * timing.batch
  const deadline = data.clock + timing.lease
  const written = request.info
  data.sessions.set(request.key, { session, state: 'joining', info, written, activeAt, deadline })
  data.lost.delete(info.name)
  data.version += 1
  return { type: 'joined', ...beat(data, session, null, wall) }
}

function tick(request: RequestOf<'tick'>, data: Data, wall: number, timing: ClusterTiming): Reply {
  const { key, session } = request
  if (request.generation !== data.generation) return refused('generation')
  data.epoch = Math.max(data.epoch, request.floor)
  reap(data, wall)
  const mine = data.sessions.get(key)
  if (!mine || !isLive(data, key, session)) return refused('session')
  const isDue = mine.state === 'joining' && mine.activeAt <= data.clock
  const state = isDue ? 'active' : mine.state
  const isNews = request.info !== '' && request.info !== mine.written
  const said = isNews ? { info: JSON.parse(request.info), written: request.info } : {}
  data.sessions.set(key, { ...mine, ...said, state, deadline: data.clock + timing.lease })
  if (isDue || isNews) data.version += 1
  if (isDue) data.ringVersion += 1
  giveUp(data, request, 'leader', request.spent)
  if (request.vitals !== '') data.vitals.set(key, request.vitals)
  return { type: 'ticked', ...beat(data, session, request.version, wall) }
}

/** Drops sessions that are over, the longest dead first, no more than 32 at once. */
function reap(data: Data, wall: number): void {
  const dead = [...data.sessions]
    .filter(([, { deadline }]) => deadline <= data.clock)
    .sort(([key, a], [other, b]) => a.deadline - b.deadline || (key < other ? -1 : 1))
    .slice(0, 32)
  for (const [key, { state, info }] of dead) {
    if (state !== 'leaving') data.lost.set(info.name, { at: wall, host: info.host })
    forget(data, key)
  }
  if (dead.length > 0) data.version += 1
}

function claim(request: RequestOf<'claim'>, data: Data, wall: number): Reply {
  const { key, session, floor, seats } = request
  const quarantine = Math.max(data.quarantineUntil - data.clock, 0)
  if (!isLive(data, key, session)) return refused('session')
  const isActive = data.sessions.get(key)?.state === 'active'
  if (!isActive && quarantine === 0 && othersActive(data, key)) return refused('inactive')
  const granted: { seat: string; epoch: number }[] = []
  const taken: { seat: string; holder: string }[] = []
  for (const seat of seats) {
    const holder = holderOf(data, seat)
    if (holder ? holder.key !== key : quarantine > 0) {
      taken.push({ seat, holder: holder?.key ?? '' })
      continue
    }
    const epoch = holder?.epoch ?? nextEpoch(data, floor, wall)
    granted.push({ seat, epoch })
    if (holder) continue
    data.own.set(seat, { key, session, epoch })
    const name = data.sessions.get(key)?.info.name ?? ''
    if (seat === 'leader') data.changes = [...data.changes, { at: wall, name, epoch }].slice(-20)
  }
  if (quarantine > 0 && granted.length === 0) return refused('quarantine', quarantine)
  return { type: 'claimed', granted, refused: taken, quarantine }
}

function othersActive(data: Data, key: string): boolean {
  return [...data.sessions].some(
    ([other, { state, deadline }]) => other !== key && state === 'active' && deadline > data.clock,
  )
}

function release(request: RequestOf<'release'>, data: Data): Reply {
  for (const seat of request.seats) giveUp(data, request, seat, request.upTo)
  return { type: 'done' }
}

/** Frees the seat if this session was granted it with the epoch `upTo` or one before. */
function giveUp(
  data: Data,
  { key, session }: { readonly key: string; readonly session: number },
  seat: string,
  upTo: number,
): void {
  const spell = data.own.get(seat)
  if (spell?.key === key && spell.session === session && spell.epoch <= upTo) data.own.delete(seat)
}

function retire({ key, session }: RequestOf<'retire'>, data: Data): Reply {
  const mine = data.sessions.get(key)
  if (!mine || !isLive(data, key, session)) return refused('session')
  if (mine.state === 'leaving') return { type: 'done' }
  if (mine.state === 'active') data.ringVersion += 1
  data.version += 1
  data.sessions.set(key, { ...mine, state: 'leaving' })
  return { type: 'done' }
}

/** What is gone already is gone: asking twice is no fault. */
function leave({ key, session }: RequestOf<'leave'>, data: Data): Reply {
  const mine = data.sessions.get(key)
  if (!mine || (session !== 0 && mine.session !== session)) return { type: 'done' }
  forget(data, key)
  data.version += 1
  return { type: 'done' }
}

/** Its seats are free from now on: nobody's session stands behind them. */
function forget(data: Data, key: string): void {
  if (data.sessions.get(key)?.state === 'active') data.ringVersion += 1
  data.sessions.delete(key)
  data.vitals.delete(key)
}

function nextEpoch(data: Data, floor: number, wall: number): number {
  data.epoch = Math.max(data.epoch + 1, floor + 1, wall)
  return data.epoch
}

function isLive(data: Data, key: string, session: number): boolean {
  const known = data.sessions.get(key)
  return known !== undefined && known.session === session && known.deadline > data.clock
}

function holderOf(data: Data, seat: string): Holder | null {
  const spell = data.own.get(seat)
  if (!spell || !isLive(data, spell.key, spell.session)) return null
  return { key: spell.key, name: data.sessions.get(spell.key)?.info.name ?? '', epoch: spell.epoch }
}

/** `known`: the version of the members that the asker has; null: none. */
function beat(data: Data, session: number, known: number | null, wall: number): Beat {
  return {
    generation: data.generation,
    server: data.server,
    session,
    clock: data.clock,
    epoch: data.epoch,
    quarantine: Math.max(data.quarantineUntil - data.clock, 0),
    version: data.version,
    ringVersion: data.ringVersion,
    members: known === data.version ? null : membersOf(data),
    leader: holderOf(data, 'leader'),
    wall,
  }
}

function membersOf(data: Data): readonly Member[] {
  return [...data.sessions]
    .map(([key, { info, state }]) => ({ ...info, key, state }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

function refused(why: Refusal, wait = 0): Reply {
  return { type: 'refused', why, wait }
}

type RequestOf<Type extends Request['type']> = Extract<Request, { type: Type }>
