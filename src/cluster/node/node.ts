import type { Seat } from '../../core/cluster.ts'
import type { Reply, Request } from '../protocol.ts'
import { failed, giveUpLate, heartbeat, joined, judgeHealth } from './beat.ts'
import { resign } from './leader.ts'
import { claimed, handOver, nextSeatRequest, release, released } from './seats.ts'
import { entry, left, refused } from './session.ts'
import { drain, readRing } from './shards.ts'
import {
  type Call,
  deadlineOf,
  finish,
  invalidity,
  jittered,
  loseAll,
  type Move,
  type NodeState,
  newState,
  sessionOf,
  tickSoon,
} from './state.ts'
import type { Instant, NodeCommand, NodeEvent, NodeOutlook, NodeSettings } from './types.ts'

export type { NodeState } from './state.ts'

/** A node that has not begun: it waits for `start`. */
export function startNode(settings: NodeSettings): NodeState {
  return newState(settings.info)
}

/** The whole of a node: what it is after an event, and what it wants done. Reads no clock and does nothing itself. */
export function step(
  before: NodeState,
  event: NodeEvent,
  now: Instant,
  settings: NodeSettings,
): { readonly state: NodeState; readonly commands: readonly NodeCommand[] } {
  if (before.life === 'stopped') return { state: before, commands: [] }
  const move: Move = { state: { ...before }, commands: [], now, settings }
  lapse(move)
  happen(move, event)
  giveUpLate(move)
  judgeHealth(move)
  readRing(move)
  handOver(move)
  proceed(move)
  remember(move, before)
  askToBeWoken(move)
  return { state: move.state, commands: move.commands }
}

/** Whether the node may act for the seat at this very moment. No timer stands behind it: ask at each use. */
export function holds(state: NodeState, seat: Seat, now: Instant, settings: NodeSettings): boolean {
  return state.held.has(seat) && invalidity(state, now, settings) === null
}

/** Whether cures may run: not while Redis is lost, nor for a lease after it came back, nor in a quarantine. */
export function mayCure(state: NodeState, now: Instant, settings: NodeSettings): boolean {
  const isMember = modeOf(state) === 'member' && invalidity(state, now, settings) === null
  return isMember && now.elapsed >= state.quarantineUntil
}

export function outlook(state: NodeState): NodeOutlook {
  return {
    mode: modeOf(state),
    key: state.key,
    session: state.session,
    generation: state.generation,
    members: state.members,
    leader: state.leader,
    held: state.held,
    validUntil: state.session === 0 ? 0 : state.validUntil,
    lastBeat: state.lastBeat,
    floor: state.floor,
    quarantine: Math.max(0, state.quarantineEnd - state.clock),
    fault: state.fault,
    clockOffset: state.clockOffset,
  }
}

function modeOf({ life, health, session }: NodeState): NodeOutlook['mode'] {
  if (life === 'leaving' || life === 'stopped') return life
  if (health !== 'well') return health
  return session === 0 ? 'starting' : 'member'
}

/** Whatever woke the node: what it can no longer be sure of, it loses first. */
function lapse(move: Move): void {
  const { state, now, settings } = move
  if (state.held.size === 0) return
  const why = invalidity(state, now, settings)
  if (why === null) return
  loseAll(move, why)
  if (why === 'clock-jumped') state.tickAt = now.elapsed
}

function happen(move: Move, event: NodeEvent): void {
  const { state, settings } = move
  switch (event.type) {
    case 'start':
      start(move, event)
      break
    case 'due':
      state.wakeAt = null
      break
    case 'answered':
      if (state.call?.id === event.id) answered(move, state.call, event.reply)
      break
    case 'failed':
      if (state.call?.id === event.id) failed(move, state.call, event.fault)
      break
    case 'hint':
      tickSoon(move)
      break
    case 'drained':
      if (state.draining.has(event.seat)) state.drained = new Set([...state.drained, event.seat])
      break
    case 'vitals':
      state.vitals = event.json
      break
    case 'resign':
      resign(move, settings.timing.lease)
      break
    case 'info':
      state.info = event.json
      break
    case 'stop':
      stop(move)
  }
}

function start({ state, now }: Move, { floor, leftover, generation }: NodeEvent & { type: 'start' }): void {
  if (state.life !== 'new') return
  state.life = 'running'
  state.startedAt = now
  state.joinAt = now.elapsed
  state.leftover = leftover ?? null
  state.floor = floor
  state.generation = generation ?? ''
}

function answered(move: Move, { request, sent }: Call, reply: Reply): void {
  const { state } = move
  state.call = null
  state.contact = sent
  state.failures = 0
  state.fault = null
  switch (reply.type) {
    case 'refused':
      refused(move, request, reply)
      break
    case 'joined':
      if (request.type === 'join') joined(move, request, sent, reply)
      break
    case 'ticked':
      if (request.type === 'tick') noteWritten(move, request)
      heartbeat(move, sent, reply)
      break
    case 'claimed':
      claimed(move, sent, reply)
      break
    case 'done':
      if (request.type === 'release') released(move, request.seats)
      if (request.type === 'retire') state.isRetired = true
      if (request.type === 'leave') left(move)
  }
}

function noteWritten({ state }: Move, { vitals, info }: Request & { type: 'tick' }): void {
  if (state.vitals === vitals) state.vitals = ''
  if (info !== '') state.written = info
}

function stop(move: Move): void {
  const { state } = move
  if (state.life === 'running') {
    state.life = 'leaving'
    state.wanted = new Set()
    drain(move, state.held.keys())
  }
  if (state.life === 'new') finish(move)
}

function proceed(move: Move): void {
  const { state, now } = move
  if (state.call !== null || state.life === 'new' || state.life === 'stopped') return
  const isIdle = state.life === 'leaving' && state.held.size === 0
  if (isIdle && (state.session === 0 || state.failures >= 2)) {
    finish(move)
    return
  }
  const request = nextRequest(move)
  if (request === null) return
  const id = state.calls + 1
  state.calls = id
  state.call = { id, request, sent: now }
  move.commands.push({ type: 'call', id, request, deadline: deadlineOf(move.settings) })
}

/** The heartbeat first, all else only while Redis answers; null: nothing is to be asked now. */
function nextRequest(move: Move): Request | null {
  const { state, now, settings } = move
  if (state.session === 0) return entry(move)
  if (now.elapsed >= state.tickAt) return tick(move)
  if (state.failures > 0 || invalidity(state, now, settings) !== null) return null
  if (state.life === 'running') return nextSeatRequest(move)
  if (!state.isRetired && state.held.size > 0) return { type: 'retire', ...sessionOf(state) }
  const owed = release(move)
  if (owed !== null || state.held.size > 0) return owed
  return { type: 'leave', ...sessionOf(state) }
}

function tick({ state, now, settings }: Move): Request {
  state.tickedAt = now.elapsed
  state.tickAt = now.elapsed + jittered(settings)
  return {
    type: 'tick',
    ...sessionOf(state),
    generation: state.generation,
    floor: state.floor,
    version: state.version,
    spent: state.spent,
    vitals: state.vitals,
    info: state.info === state.written ? '' : state.info,
  }
}

/** Whoever acts under an epoch should know that it is on disk: `save` comes first. */
function remember({ state, commands }: Move, { floor }: NodeState): void {
  if (state.floor > floor) commands.unshift({ type: 'save', floor: state.floor })
}

/** Wishes for `due` when the next thing is to be done that nothing else calls for. */
function askToBeWoken({ state, commands, now, settings }: Move): void {
  if (state.life === 'stopped') return
  const moments = [
    state.call
      ? state.call.sent.elapsed + deadlineOf(settings)
      : state.session === 0
        ? state.joinAt
        : state.tickAt,
    ...(state.held.size > 0 ? [state.validUntil] : []),
    ...(state.ringDue ? [state.ringDue.at] : []),
    ...(state.candidateAt === null ? [] : [state.candidateAt]),
    state.quarantineUntil,
    state.abstainUntil,
    state.claimAt,
    state.reconcileAt,
    state.calmSince + settings.timing.lease,
  ].filter((moment) => moment > now.elapsed)
  const at = moments.length === 0 ? null : Math.min(...moments)
  if (at === null || at === state.wakeAt) return
  state.wakeAt = at
  commands.push({ type: 'wake', at })
}
