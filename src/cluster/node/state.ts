import type { CoordinatorFault, Member, Seat } from '../../core/cluster.ts'
import type { Holder, Request } from '../protocol.ts'
import type { Instant, LossReason, NodeCommand, NodeSettings } from './types.ts'

/** All that a node knows. Plain data; nothing in it is ever changed in place. */
export interface NodeState {
  readonly life: 'new' | 'running' | 'leaving' | 'stopped'
  readonly health: 'well' | 'degraded' | 'recovering'
  readonly startedAt: Instant

  /** The key of the session; null: there is none. */
  readonly key: string | null
  /** 0: none. */
  readonly session: number
  /** A key of this node that may still be a member, through a call whose outcome is unknown: it leaves before the next joins. */
  readonly leftover: string | null
  /** No join before then (monotonic). */
  readonly joinAt: number
  /** What the node says of itself, and what of it is known to be written down. */
  readonly info: string
  readonly written: string
  readonly generation: string
  /** The run id of the server, as of the last heartbeat. */
  readonly server: string
  readonly floor: number

  /** When the last heartbeat was sent that this session saw taken: its validity counts from here. */
  readonly lastBeat: Instant | null
  readonly validUntil: number
  /** The lease clock, and when on it the quarantine ends, as of that heartbeat. */
  readonly clock: number
  readonly quarantineEnd: number
  /** The same end on this node's monotonic clock. */
  readonly quarantineUntil: number
  readonly clockOffset: number
  readonly version: number
  readonly ringVersion: number
  readonly members: readonly Member[]
  readonly leader: Holder | null
  readonly tickAt: number
  readonly tickedAt: number
  readonly vitals: string

  readonly call: Call | null
  readonly calls: number
  /** When the last call was sent that was answered at all. */
  readonly contact: Instant | null
  /** Calls in a row that failed, and heartbeats in a row that were taken. */
  readonly failures: number
  readonly goodBeats: number
  readonly fault: CoordinatorFault | null
  /** Since when all went well after a loss (monotonic). */
  readonly calmSince: number

  /** Seats and the epochs they were granted with. */
  readonly held: ReadonlyMap<Seat, number>
  /** Those of them that are being handed over, and those whose work has ended. */
  readonly draining: ReadonlySet<Seat>
  readonly drained: ReadonlySet<Seat>
  /** Held when another server answered. Until the time (monotonic) nobody has taken them, on whatever server. */
  readonly kept: { readonly until: number; readonly epochs: ReadonlyMap<Seat, number> }
  /** To be released: until that is answered they are not claimed, or it might come late and undo the claim. */
  readonly owed: ReadonlySet<Seat>
  /** Whether a claim of the leadership was sent of which nothing was heard, so that it may be booked on this node. */
  readonly isLeaderUnsure: boolean
  /** Shards that Redis may book on this session: those it neither holds nor wants go back. */
  readonly booked: ReadonlySet<Seat>
  /** Shards that this session ever asked for: where calls or data were lost, Redis may book any of them on it again. */
  readonly asked: ReadonlySet<Seat>
  /** Held, and to be confirmed by claiming them again. */
  readonly unsure: ReadonlySet<Seat>
  /** Held by others when they were claimed; asked for again after the next heartbeat, as of `refusedAt`. */
  readonly refused: ReadonlySet<Seat>
  readonly refusedAt: number
  readonly wanted: ReadonlySet<Seat>
  /** When the ring is read anew, and the latest that more changes may put it off to; null: it is as known. */
  readonly ringDue: { readonly at: number; readonly latest: number } | null
  /** Nothing is claimed before then. */
  readonly claimAt: number
  readonly reconcileAt: number
  /** When the vacant leadership is claimed; null: not. */
  readonly candidateAt: number | null
  /** No candidacy before then. */
  readonly abstainUntil: number
  /** The highest epoch with which this node led and leads no more: never accepted again. */
  readonly spent: number

  readonly isRetired: boolean
  readonly wakeAt: number | null
}

/** The one outstanding call. */
export interface Call {
  readonly id: number
  readonly request: Request
  readonly sent: Instant
}

/** One step under way: fields of the state are replaced, commands are added. */
export interface Move {
  readonly state: { -readonly [Key in keyof NodeState]: NodeState[Key] }
  readonly commands: NodeCommand[]
  readonly now: Instant
  readonly settings: NodeSettings
}

export function newState(info: string): NodeState {
  const never: Instant = { elapsed: 0, wall: 0 }
  return {
    life: 'new',
    health: 'well',
    startedAt: never,
    key: null,
    session: 0,
    leftover: null,
    joinAt: 0,
    info,
    written: '',
    generation: '',
    server: '',
    floor: 0,
    lastBeat: null,
    validUntil: 0,
    clock: 0,
    quarantineEnd: 0,
    quarantineUntil: 0,
    clockOffset: 0,
    version: 0,
    ringVersion: -1,
    members: [],
    leader: null,
    tickAt: 0,
    tickedAt: Number.NEGATIVE_INFINITY,
    vitals: '',
    call: null,
    calls: 0,
    contact: null,
    failures: 0,
    goodBeats: 0,
    fault: null,
    calmSince: 0,
    held: new Map(),
    draining: new Set(),
    drained: new Set(),
    kept: { until: 0, epochs: new Map() },
    owed: new Set(),
    isLeaderUnsure: false,
    booked: new Set(),
    asked: new Set(),
    unsure: new Set(),
    refused: new Set(),
    refusedAt: Number.NEGATIVE_INFINITY,
    wanted: new Set(),
    ringDue: null,
    claimAt: 0,
    reconcileAt: 0,
    candidateAt: null,
    abstainUntil: 0,
    spent: 0,
    isRetired: false,
    wakeAt: null,
  }
}

/**
 * Why the session may not be trusted now; null: it may. Both clocks count, the one that saw more time: the monotonic
 * one stands still while the machine sleeps, the wall clock may be set back.
 */
export function invalidity(
  { session, lastBeat, validUntil }: NodeState,
  now: Instant,
  { timing }: NodeSettings,
): 'session-lost' | 'lapsed' | 'clock-jumped' | null {
  if (session === 0 || lastBeat === null) return 'session-lost'
  const elapsed = now.elapsed - lastBeat.elapsed
  const wall = now.wall - lastBeat.wall
  if (now.elapsed >= validUntil) return 'lapsed'
  if (Math.abs(wall - elapsed) > mostDivergence(timing.valid)) return 'clock-jumped'
  return wall >= timing.valid ? 'lapsed' : null
}

function mostDivergence(valid: number): number {
  return Math.min(1500, valid / 2)
}

export function isActive({ members, key }: NodeState): boolean {
  return members.some((member) => member.key === key && member.state === 'active')
}

export function activeNames({ members }: NodeState): readonly string[] {
  return [...new Set(members.filter(({ state }) => state === 'active').map(({ name }) => name))].sort()
}

export function sessionOf({ key, session }: NodeState): { readonly key: string; readonly session: number } {
  return { key: key ?? '', session }
}

/** Gone for good. */
export function finish(move: Move): void {
  loseAll(move, 'stopped')
  move.state.life = 'stopped'
  move.commands.push({ type: 'stopped' })
}

export function deadlineOf({ timing }: NodeSettings): number {
  return 0.9 * timing.beat
}

/** Something may have changed: the next heartbeat does not wait its time, but is not one of a storm. */
export function tickSoon({ state, now }: Move): void {
  state.tickAt = Math.min(state.tickAt, Math.max(now.elapsed, state.tickedAt + ticksApart))
}

const ticksApart = 50

/** From one heartbeat to the next: nodes that began together do not stay together. */
export function jittered({ timing, random }: NodeSettings): number {
  return timing.beat * (0.9 + 0.2 * random())
}

export function gain({ state, commands }: Move, spells: Iterable<readonly [Seat, number]>): void {
  const gained = [...spells]
  if (gained.length === 0) return
  state.held = new Map([...state.held, ...gained])
  for (const [seat, epoch] of gained) commands.push({ type: 'gain', seat, epoch })
}

/** Seats that are not held are passed over. */
export function lose({ state, commands }: Move, seats: Iterable<Seat>, why: LossReason): void {
  const gone = [...seats].filter((seat) => state.held.has(seat))
  if (gone.length === 0) return
  if (gone.includes('leader')) state.spent = Math.max(state.spent, state.held.get('leader') ?? 0)
  const held = new Map(state.held)
  for (const seat of gone) {
    held.delete(seat)
    commands.push({ type: 'lose', seat, why })
  }
  state.held = held
  state.draining = without(state.draining, gone)
  state.drained = without(state.drained, gone)
  state.unsure = without(state.unsure, gone)
}

export function loseAll(move: Move, why: LossReason): void {
  lose(move, move.state.held.keys(), why)
}

export function learnEpoch({ state }: Move, epoch: number): void {
  state.floor = Math.max(state.floor, epoch)
}

export function including<Value>(set: ReadonlySet<Value>, more: Iterable<Value>): ReadonlySet<Value> {
  return new Set([...set, ...more])
}

export function without<Value>(set: ReadonlySet<Value>, gone: Iterable<Value>): ReadonlySet<Value> {
  const left = new Set(set)
  for (const value of gone) left.delete(value)
  return left.size === set.size ? set : left
}
