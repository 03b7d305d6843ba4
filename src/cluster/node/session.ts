import type { Reply, Request } from '../protocol.ts'
import { forgetKept } from './shards.ts'
import { finish, jittered, loseAll, type Move } from './state.ts'

/**
 * Becomes a member, under a key of its own each time: a join that failed may be carried out late, and must not touch
 * the session of a later one.
 */
export function entry({ state, now, settings }: Move): Request | null {
  if (now.elapsed < state.joinAt) return null
  state.joinAt = now.elapsed + jittered(settings)
  if (state.leftover !== null) return { type: 'leave', key: state.leftover, session: 0 }
  return { type: 'join', key: settings.newKey(), info: state.info, floor: state.floor }
}

/** A `leave` was carried out: of an earlier key, or of this node for good. */
export function left(move: Move): void {
  const { state, now } = move
  if (state.session === 0) {
    state.leftover = null
    state.joinAt = now.elapsed
  } else finish(move)
}

export function refused(move: Move, request: Request, { why, wait }: Reply & { type: 'refused' }): void {
  const { state, commands, now, settings } = move
  const { lease, beat } = settings.timing
  switch (why) {
    case 'session':
      if (request.type === 'leave') left(move)
      else loseSession(move, 'session-lost')
      break
    case 'generation':
      loseSession(move, 'data-lost')
      break
    case 'duplicate':
      state.joinAt = now.elapsed + Math.max(beat, Math.min(wait, lease))
      commands.push({ type: 'duplicate', wait })
      break
    case 'quarantine':
      state.quarantineUntil = now.elapsed + wait
      if (request.type === 'claim') forgetKept(move, request.seats)
      state.candidateAt = null
      break
    case 'inactive':
      state.claimAt = now.elapsed + beat
      state.candidateAt = null
  }
}

/** The session is over and none of its seats is held: a new one begins. */
export function loseSession(move: Move, why: 'session-lost' | 'data-lost'): void {
  const { state, now } = move
  loseAll(move, why)
  state.key = null
  state.session = 0
  state.joinAt = now.elapsed
  state.kept = { until: now.elapsed, epochs: new Map() }
  state.owed = new Set()
  state.isLeaderUnsure = false
  state.booked = new Set()
  state.asked = new Set()
  state.refused = new Set()
  state.wanted = new Set()
  state.ringDue = null
  state.ringVersion = -1
  state.claimAt = now.elapsed
  state.candidateAt = null
}
