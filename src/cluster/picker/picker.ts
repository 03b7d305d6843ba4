import { decide, nextMoment } from './decide.ts'
import { hear } from './hearsay.ts'
import { isSame, prefers, present, probed, reachWindow, speaker } from './order.ts'
import type { Outage, PickerCommand, PickerEvent, PickerSettings, PickerState, Told } from './types.ts'

/** How many outages are remembered as told. */
const mostTold = 8

export const idlePicker: PickerState = {
  phase: 'idle',
  outage: null,
  ranks: new Map(),
  words: new Map(),
  told: [],
  canTell: true,
  seesRedis: true,
  voice: null,
  isIsolated: false,
  spoken: null,
  listensSince: 0,
  voicelessSince: 0,
  claim: null,
  claims: 0,
  nextClaim: 0,
  rounds: 0,
  lastProbe: -Infinity,
  nextProbe: Infinity,
  nextReport: 0,
}

export interface PickerStep {
  readonly state: PickerState
  readonly commands: readonly PickerCommand[]
}

/**
 * Picks who speaks for the nodes that can reach each other while Redis is lost: exactly one where all hear all, never
 * none, and none where one of them still sees Redis. Pure: `now` is monotonic milliseconds.
 *
 * The most preferred node that is heard asks all it reaches and speaks unless one of them objects; the others wait
 * for it, though not for ever. Whoever speaks goes on until it falls silent. What each node knows of the others goes
 * along with every question and answer, so that nodes count with those that only a third one hears.
 */
export function step(
  state: PickerState,
  event: PickerEvent,
  now: number,
  settings: PickerSettings,
): PickerStep {
  const commands: PickerCommand[] = []
  const moved = take(state, event, now, settings, commands)
  const decided = moved.phase === 'picking' ? decide(moved, now, settings, commands) : moved
  const probing = probe(decided, now, settings, commands)
  if (probing.phase !== 'idle') commands.push({ type: 'wake', at: nextMoment(probing, now, settings) })
  return { state: probing, commands }
}

function take(
  state: PickerState,
  event: PickerEvent,
  now: number,
  settings: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  switch (event.type) {
    case 'suspect':
      if (state.phase !== 'idle') return state
      return { ...state, ...listening(event.order, now), phase: 'suspecting' }
    case 'begin':
      return begin(state, event.outage, event.order, now)
    case 'end':
      return end(state, commands)
    case 'own':
      return { ...state, canTell: event.canTell, seesRedis: event.seesRedis }
    case 'due':
      return state
    case 'heard':
      return heard(state, event, now, settings)
    case 'asked':
      return asked(state, event.from, now, settings, commands)
    case 'answered':
      return answered(state, event)
    case 'told':
      return toldBySelf(state, event.outage, event.at, settings, commands)
  }
}

function listening(order: readonly string[], now: number) {
  const ranks = new Map([...new Set(order)].map((name, rank) => [name, rank]))
  return { ranks, listensSince: now, nextProbe: now, rounds: 0 }
}

function begin(state: PickerState, outage: Outage, order: readonly string[], now: number): PickerState {
  if (state.phase === 'picking') return state
  const { ranks, ...first } = listening(order, now)
  return {
    ...state,
    ...(state.phase === 'idle' && first),
    ranks,
    phase: 'picking',
    outage,
    voicelessSince: now,
    claim: null,
    nextClaim: now,
    nextReport: now,
  }
}

/** Outages that people were told of stay known: the same one is not told again. */
function end(state: PickerState, commands: PickerCommand[]): PickerState {
  if (state.phase === 'picking' && state.voice !== null) commands.push({ type: 'hush', voice: null })
  const { told, claims, canTell, seesRedis } = state
  return { ...idlePicker, told, claims, canTell, seesRedis }
}

function heard(
  state: PickerState,
  event: Extract<PickerEvent, { type: 'heard' }>,
  now: number,
  settings: PickerSettings,
): PickerState {
  if (event.from === settings.self) return state
  const words = lately(state, now, settings)
  const hasNews = hear(words, event.from, event.words, now, settings)
  const told = merge(state.told, event.told)
  const isNews = hasNews || told.length !== state.told.length
  const outage = newer(state.outage, event.outage)
  if (state.phase === 'idle') return { ...state, words, told }
  const soon = Math.max(now, state.lastProbe + settings.period / 5)
  return {
    ...state,
    words,
    told,
    outage,
    nextProbe: isNews ? Math.min(state.nextProbe, soon) : state.nextProbe,
  }
}

/** What is known of the others, without those that were silent for long. */
function lately(state: PickerState, now: number, { period }: PickerSettings) {
  const oldest = now - reachWindow(state, period) - 30 * period
  return new Map([...state.words].filter(([, { at }]) => at >= oldest))
}

/** Nodes that miss each other's last view agree on the newest one. */
function newer(own: Outage | null, other: Outage | null): Outage | null {
  if (own === null || other === null || other.cluster !== own.cluster) return own
  return other.lastEpoch > own.lastEpoch ? other : own
}

function merge(known: readonly Told[], more: readonly Told[]): readonly Told[] {
  const fresh = more.filter((one) => !known.some((other) => other.by === one.by && isSame(other, one)))
  return fresh.length === 0 ? known : [...known, ...fresh].slice(-mostTold)
}

/** Whether a peer may speak, as far as this node knows; whoever may is let go first for a while. */
function asked(
  state: PickerState,
  from: string,
  now: number,
  settings: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const granted = mayGo(state, from, now, settings)
  commands.push({ type: 'answer', granted })
  if (!granted) return state
  return { ...state, claim: null, nextClaim: now + settings.deadline + settings.period }
}

function mayGo(state: PickerState, from: string, now: number, settings: PickerSettings): boolean {
  const { self, period } = settings
  if (state.seesRedis || state.isIsolated) return false
  const voice = speaker(state, now, settings)
  if (voice !== null) return voice === from
  // Two who claim at once may not have the same view: names are the same everywhere.
  if (state.claim !== null) return from < self
  if (state.phase === 'picking' && prefers(state, self, from, self)) return false
  return !present(state, now, period).some((name) => name !== from && prefers(state, name, from, self))
}

function answered(state: PickerState, event: Extract<PickerEvent, { type: 'answered' }>): PickerState {
  const { claim } = state
  if (claim === null || claim.id !== event.id) return state
  const awaited = claim.awaited.filter((name) => name !== event.from)
  return { ...state, claim: { ...claim, awaited, isRefused: claim.isRefused || event.granted === false } }
}

function toldBySelf(
  state: PickerState,
  outage: Outage,
  at: number,
  { self }: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const told = merge(state.told, [{ ...outage, by: self, at }])
  if (told === state.told) return state
  if (state.phase !== 'idle') commands.push({ type: 'announce', peers: probed(state, self) })
  return { ...state, told }
}

/** Asks the peers every period, and sooner when there is news. */
function probe(
  state: PickerState,
  now: number,
  { self, period }: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  if (state.phase === 'idle' || now < state.nextProbe) return state
  commands.push({ type: 'probe', peers: probed(state, self) })
  return { ...state, lastProbe: now, nextProbe: now + period, rounds: state.rounds + 1 }
}
