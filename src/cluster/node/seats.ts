import type { Seat } from '../../core/cluster.ts'
import type { Reply, Request } from '../protocol.ts'
import { isTurnToLead, setLeader } from './leader.ts'
import { forgetKept, missing, reconcile, strays } from './shards.ts'
import {
  gain,
  including,
  invalidity,
  learnEpoch,
  lose,
  type Move,
  type NodeState,
  sessionOf,
  tickSoon,
  without,
} from './state.ts'
import type { Instant } from './types.ts'

/** How many seats one call carries. */
const mostSeats = 500

/** Gives back what is owed, then asks for the leadership where it is vacant, then for shards. */
export function nextSeatRequest(move: Move): Request | null {
  const { state, now } = move
  reconcile(move)
  const owed = release(move)
  if (owed !== null) return owed
  if (now.elapsed < state.claimAt) return null
  if (isTurnToLead(move)) {
    state.candidateAt = null
    return claim(state, ['leader'])
  }
  const seats = missing(move).slice(0, mostSeats)
  if (seats.length === 0) return null
  state.asked = including(state.asked, seats)
  state.booked = including(state.booked, seats)
  return claim(state, seats)
}

/** null: there is nothing to give back. Shards go before the leadership. */
export function release({ state }: Move): Request | null {
  state.owed = including(state.owed, strays(state))
  const shards = without(state.owed, ['leader'])
  const seats = [...shards, ...(state.owed.has('leader') ? (['leader'] as const) : [])].slice(0, mostSeats)
  // None of them is held, and what is claimed later is granted with a higher epoch.
  return seats.length === 0 ? null : { type: 'release', ...sessionOf(state), seats, upTo: state.floor }
}

function claim(state: NodeState, seats: readonly Seat[]): Request {
  return { type: 'claim', ...sessionOf(state), floor: state.floor, seats }
}

/** Seats whose work has ended go back. The leadership goes last when the node leaves. */
export function handOver(move: Move): void {
  const { state } = move
  const why = state.life === 'leaving' ? 'stopped' : 'handed-over'
  lose(
    move,
    [...state.drained].filter((seat) => seat !== 'leader'),
    why,
  )
  if (state.held.size > 1 || !state.drained.has('leader')) return
  lose(move, ['leader'], why)
  state.owed = including(state.owed, ['leader'])
}

export function released(move: Move, seats: readonly string[]): void {
  const { state } = move
  state.booked = without(state.booked, seats as readonly Seat[])
  state.owed = without(state.owed, seats as readonly Seat[])
  if (!seats.includes('leader')) return
  if (state.leader?.key === state.key) setLeader(move, null)
}

export function claimed(move: Move, sent: Instant, reply: Reply & { type: 'claimed' }): void {
  const { granted, refused, quarantine } = reply
  const { state, now, settings } = move
  const isLate = now.elapsed >= sent.elapsed + settings.timing.valid
  const isTrusted = !isLate && state.life === 'running' && invalidity(state, now, settings) === null
  // The coordinator answers with the seats that it was asked for.
  const spells = granted.map(({ seat, epoch }) => [seat as Seat, epoch] as const)
  const others = refused.map(({ seat }) => seat as Seat)
  for (const [, epoch] of spells) learnEpoch(move, epoch)
  state.unsure = without(
    state.unsure,
    spells.map(([seat]) => seat),
  )
  const fresh = spells.filter(([seat, epoch]) => state.held.get(seat) !== epoch)
  lose(move, [...fresh.map(([seat]) => seat), ...others], 'taken')
  take(move, fresh, isTrusted ? fresh.filter((spell) => mayTake(move, spell, quarantine)) : [])
  if (quarantine > 0) {
    state.quarantineUntil = now.elapsed + quarantine
    forgetKept(move, [...spells.map(([seat]) => seat), ...others])
  }
  if (others.length === 0) return
  state.booked = without(state.booked, others)
  if (others.includes('leader')) tickSoon(move)
  state.refused = including(state.refused, others)
  state.refusedAt = now.elapsed
}

type Spell = readonly [seat: Seat, epoch: number]

function mayTake({ state, now }: Move, [seat, epoch]: Spell, quarantine: number): boolean {
  // What another server granted to others since, this one may not know.
  const isSure = quarantine === 0 || (now.elapsed < state.kept.until && state.kept.epochs.get(seat) === epoch)
  // An epoch of the leadership that was given up once is not taken up again.
  return isSure && (seat === 'leader' ? epoch > state.spent : state.wanted.has(seat))
}

function take(move: Move, granted: readonly Spell[], taken: readonly Spell[]): void {
  const { state, settings } = move
  const leadership = granted.find(([seat]) => seat === 'leader')
  if (leadership) {
    const [, epoch] = leadership
    setLeader(move, { key: state.key ?? '', name: settings.name, epoch })
    state.owed = taken.includes(leadership)
      ? without(state.owed, ['leader'])
      : including(state.owed, ['leader'])
  }
  gain(move, taken)
}
