import type { CoordinatorFault } from '../../core/cluster.ts'
import type { Beat, Request } from '../protocol.ts'
import { hearOfLeader } from './leader.ts'
import { loseSession } from './session.ts'
import { hearOfMembers, hearOfServer } from './shards.ts'
import { type Call, deadlineOf, gain, invalidity, jittered, learnEpoch, type Move } from './state.ts'
import type { Instant } from './types.ts'

export function joined(
  move: Move,
  { key, info }: Request & { type: 'join' },
  sent: Instant,
  beat: Beat,
): void {
  const { state, commands, settings } = move
  const before = state.generation
  if (before !== '' && before !== beat.generation)
    commands.push({ type: 'data-lost', before, after: beat.generation })
  state.generation = beat.generation
  state.key = key
  state.written = info
  state.session = beat.session
  state.server = beat.server
  state.tickedAt = sent.elapsed
  state.tickAt = sent.elapsed + jittered(settings)
  learnEpoch(move, beat.session)
  heartbeat(move, sent, beat)
}

/** What a heartbeat that was taken tells. What it allows counts from when it was sent. */
export function heartbeat(move: Move, sent: Instant, beat: Beat): void {
  const { state, now, settings } = move
  const { timing } = settings
  state.lastBeat = sent
  state.validUntil = sent.elapsed + timing.valid
  state.goodBeats += 1
  state.clockOffset = beat.wall - (sent.wall + now.wall) / 2
  learnEpoch(move, Math.max(beat.epoch, beat.leader?.epoch ?? 0))
  hearOfServer(move, sent, beat)
  state.clock = beat.clock
  state.quarantineEnd = beat.clock + beat.quarantine
  state.quarantineUntil = now.elapsed + beat.quarantine
  hearOfMembers(move, beat)
  hearOfLeader(move, beat.leader)
  if (now.elapsed - state.refusedAt >= 0.8 * timing.beat) state.refused = new Set()
  const mayGain =
    state.life === 'running' && !state.held.has('node') && invalidity(state, now, settings) === null
  if (mayGain) gain(move, [['node', state.session]])
}

/** A call that has had its time: its answer would come too late. */
export function giveUpLate(move: Move): void {
  const { state, now, settings } = move
  if (state.call === null || now.elapsed < state.call.sent.elapsed + deadlineOf(settings)) return
  failed(move, state.call, 'unreachable')
}

/** What Redis made, or will yet make, of the call is unknown. */
export function failed(move: Move, { request }: Call, fault: CoordinatorFault): void {
  const { state, now, settings, commands } = move
  state.call = null
  state.failures += 1
  state.goodBeats = 0
  state.fault = fault
  state.calmSince = now.elapsed
  commands.push({ type: 'reset' })
  if (request.type === 'join') state.leftover = request.key
  if (request.type === 'claim') {
    // By then it has been carried out, if it ever is.
    state.reconcileAt = Math.min(state.reconcileAt, now.elapsed + 2 * settings.timing.lease)
    if (request.seats.includes('leader')) state.isLeaderUnsure = true
  }
  // Perhaps only the answers are lost: then its heartbeats keep it in a seat of whose epoch it was never told.
  if (state.isLeaderUnsure && state.life === 'running' && now.elapsed >= state.validUntil) {
    state.leftover = state.key
    loseSession(move, 'session-lost')
  }
}

/** Redis is lost when nothing was answered for a lease, though asked more than once: a pause of this node is no loss. */
export function judgeHealth({ state, commands, now, settings }: Move): void {
  const { lease } = settings.timing
  const since = state.contact ?? state.startedAt
  if (state.health === 'degraded') {
    if (state.goodBeats < 2) return
    state.health = 'recovering'
    state.calmSince = now.elapsed
    commands.push({ type: 'recover' })
    return
  }
  if (state.life === 'running' && state.failures >= 2 && now.elapsed - since.elapsed >= lease) {
    state.health = 'degraded'
    commands.push({ type: 'degrade', fault: state.fault ?? 'unreachable', since })
    return
  }
  if (state.health === 'recovering' && now.elapsed - state.calmSince >= lease) state.health = 'well'
}
