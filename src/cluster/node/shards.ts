import type { Member, Seat } from '../../core/cluster.ts'
import type { Beat } from '../protocol.ts'
import { activeNames, including, isActive, lose, type Move, type NodeState, tickSoon } from './state.ts'
import type { Instant } from './types.ts'

/** How long the ring is left to settle after a change, and at most, while more of them come. */
const [settleRing, mostSettling] = [300, 2000]
const reconcileEvery = 60_000
/** How much slower than that of Redis the clock of this node may run. */
const slowestClock = 0.95 / 1.05

/**
 * Another server may know less than the one before: what it books is asked for anew.
 * What this node held until now it may be granted at once. What it did not hold, another may have taken on the server
 * before: for all that the new one knows, which may be an earlier grant of this node's.
 */
export function hearOfServer(move: Move, sent: Instant, { server, quarantine }: Beat): void {
  const { state, now, settings } = move
  if (server === state.server) return
  state.server = server
  // The lease clock may run ahead by two steps.
  const until = sent.elapsed + (quarantine - 2 * settings.timing.clockStep) * slowestClock
  state.kept = { until, epochs: new Map([...state.held].filter(([seat]) => isShard(seat))) }
  lose(move, state.kept.epochs.keys(), 'data-lost')
  state.reconcileAt = now.elapsed
  state.version = -1
  state.ringVersion = -1
}

export function hearOfMembers(move: Move, beat: Beat): void {
  const { state, commands, now, settings } = move
  if (beat.members !== null) {
    state.members = beat.members
    state.version = beat.version
    // A heartbeat of before may have come late.
    const self = beat.members.find(({ key }) => key === state.key)
    if (self && !says(self, state.written)) state.written = ''
    commands.push({ type: 'view' })
  } else if (beat.version !== state.version) {
    // Versions count anew where data were lost: this one says nothing of what this node knows.
    tickSoon(move)
  }
  if (beat.ringVersion === state.ringVersion) return
  state.ringVersion = beat.ringVersion
  const wait = Math.min(settleRing, settings.timing.beat)
  const latest = state.ringDue?.latest ?? now.elapsed + (wait * mostSettling) / settleRing
  state.ringDue = { at: Math.min(now.elapsed + wait, latest), latest }
}

/** Asks the ring, once it has settled, which shards are this node's: others are handed over. */
export function readRing(move: Move): void {
  const { state, now, settings } = move
  if (state.life !== 'running' || state.ringDue === null || now.elapsed < state.ringDue.at) return
  state.ringDue = null
  state.wanted = new Set(isActive(state) ? settings.shardsOf(activeNames(state), settings.name) : [])
  drain(
    move,
    [...state.held.keys()].filter((seat) => isShard(seat) && !state.wanted.has(seat)),
  )
}

function says(member: Member, info: string): boolean {
  const said: [string, unknown][] = info === '' ? [] : Object.entries(JSON.parse(info))
  const known = new Map<string, unknown>(Object.entries(member))
  return said.every(([field, value]) => JSON.stringify(known.get(field)) === JSON.stringify(value))
}

/** From time to time, and after calls or data were lost: what Redis books on this node is what it holds. */
export function reconcile(move: Move): void {
  const { state, now, settings } = move
  if (now.elapsed < state.reconcileAt) return
  state.reconcileAt = now.elapsed + Math.min(reconcileEvery, 120 * settings.timing.beat)
  state.unsure = new Set([...state.held.keys()].filter((seat) => isShard(seat) && !state.draining.has(seat)))
  state.booked = including(state.booked, state.asked)
}

/** Shards to be released, if Redis books them here at all. */
export function strays({ booked, held, wanted }: NodeState): readonly Seat[] {
  return [...booked].filter((seat) => !held.has(seat) && !wanted.has(seat))
}

/** The shards to be claimed now: wanted and not held, or held and to be confirmed. In a quarantine, those kept. */
export function missing({ state, now }: Move): readonly Seat[] {
  const { wanted, held, unsure, draining, refused, owed, kept } = state
  const isOpen = now.elapsed >= state.quarantineUntil
  const mayKeep = now.elapsed < kept.until
  return [...wanted].filter((seat) => {
    if (draining.has(seat) || refused.has(seat) || owed.has(seat)) return false
    const isSettled = held.has(seat) && !unsure.has(seat)
    return !isSettled && (isOpen || (mayKeep && kept.epochs.has(seat)))
  })
}

/** Their claim was answered: what was not granted then is left until the quarantine is over. */
export function forgetKept({ state }: Move, seats: Iterable<string>): void {
  const answered = new Set(seats)
  const epochs = new Map([...state.kept.epochs].filter(([seat]) => !answered.has(seat)))
  state.kept = { until: state.kept.until, epochs }
}

/** The work of these seats is to end: `drained` is awaited for each. */
export function drain({ state, commands }: Move, seats: Iterable<Seat>): void {
  const added = [...seats].filter((seat) => !state.draining.has(seat))
  state.draining = including(state.draining, added)
  for (const seat of added) commands.push({ type: 'drain', seat })
}

function isShard(seat: Seat): boolean {
  return seat.startsWith('shard:')
}
