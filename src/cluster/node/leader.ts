import type { Holder } from '../protocol.ts'
import { activeNames, including, isActive, lose, type Move, without } from './state.ts'

/** Between one candidate's claim and the next one's. */
const stagger = 150

/** What a heartbeat says of the leadership. A seat that is booked on this node, which holds it not, goes back. */
export function hearOfLeader(move: Move, leader: Holder | null): void {
  const { state } = move
  const mine = state.held.get('leader')
  const isBooked = leader !== null && leader.key === state.key
  if (!isBooked || leader.epoch !== mine) lose(move, ['leader'], 'taken')
  const mustGoBack = isBooked && leader.epoch !== mine
  state.owed = mustGoBack ? including(state.owed, ['leader']) : without(state.owed, ['leader'])
  state.isLeaderUnsure = false
  setLeader(move, leader)
}

export function setLeader({ state, commands }: Move, leader: Holder | null): void {
  const before = state.leader
  if (before?.key === leader?.key && before?.epoch === leader?.epoch) return
  state.leader = leader
  commands.push({ type: 'view' })
}

/** Whether this node should claim the vacant leadership now: the ring says who tries first. */
export function isTurnToLead(move: Move): boolean {
  const { state, now, settings } = move
  const isCandidate =
    state.life === 'running' &&
    state.leader === null &&
    !state.owed.has('leader') &&
    isActive(state) &&
    now.elapsed >= Math.max(state.quarantineUntil, state.abstainUntil)
  if (!isCandidate) {
    state.candidateAt = null
    return false
  }
  state.candidateAt ??= now.elapsed + turnOf(activeNames(state), settings) * stagger
  return now.elapsed >= state.candidateAt
}

function turnOf(active: readonly string[], { name, candidates, random }: Move['settings']): number {
  const rank = candidates(active).indexOf(name)
  return rank >= 0 && rank < 3 ? rank : 3 + 3 * random()
}

/** Gives the leadership away, and leaves it to others for a while. */
export function resign(move: Move, abstain: number): void {
  const { state, now } = move
  if (!state.held.has('leader')) return
  lose(move, ['leader'], 'resigned')
  state.owed = including(state.owed, ['leader'])
  state.abstainUntil = now.elapsed + abstain
}
