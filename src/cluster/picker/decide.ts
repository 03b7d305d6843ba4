import { presentUntil, seesRedis } from './hearsay.ts'
import { isAble, isBefore, isSame, prefers, present, speaker } from './order.ts'
import type { PickerCommand, PickerSettings, PickerState } from './types.ts'

const mostSteps = 5
/** Periods from one report to a peer that sees Redis to the next. */
const reportEvery = 5

/** What a node without Redis makes of all it knows now. */
export function decide(
  state: PickerState,
  now: number,
  settings: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const there = present(state, now, settings.period)
  const healthy = there.filter((name) => {
    const heard = state.words.get(name)
    return heard !== undefined && seesRedis(heard, settings.valid)
  })
  if (healthy.length > 0) return isolate(state, healthy, now, settings, commands)
  const voice = speaker(state, now, settings)
  if (voice === settings.self) return goOn(state, there, now, settings, commands)
  if (voice !== null) return follow(state, voice, commands)
  return seek(state, there, now, settings, commands)
}

/** When something may change though nothing is heard. */
export function nextMoment(state: PickerState, now: number, settings: PickerSettings): number {
  const { period, self } = settings
  const there = present(state, now, period)
  const ends = there.map((name) => {
    const heard = state.words.get(name)
    return heard === undefined ? Infinity : presentUntil(heard, period) + 1
  })
  const moments = [state.nextProbe, ...ends]
  if (state.phase === 'picking' && state.voice === null) {
    const { start, last } = startOf(state, there, settings)
    moments.push(state.claim?.until ?? Math.max(start, Math.min(state.nextClaim, last)))
  }
  if (state.isIsolated && state.voice !== null && state.voice !== self) moments.push(state.nextReport)
  return Math.max(now, Math.min(...moments))
}

/** Somebody sees Redis, and tells people: this node only says that it does not. */
function isolate(
  state: PickerState,
  healthy: readonly string[],
  now: number,
  { period }: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const direct = healthy.filter((name) => state.words.get(name)?.hops === 0)
  const [to = null] = (direct.length > 0 ? direct : healthy).toSorted((a, b) =>
    isBefore(state, a, b) ? -1 : 1,
  )
  const kept = state.isIsolated && state.voice !== null && healthy.includes(state.voice) ? state.voice : to
  const voice = direct.length > 0 && !direct.includes(kept ?? '') ? to : kept
  if (voice !== state.voice) commands.push({ type: 'hush', voice })
  const isDue = now >= state.nextReport || voice !== state.voice
  if (isDue && voice !== null && direct.includes(voice)) commands.push({ type: 'report', to: voice })
  const nextReport = isDue ? now + reportEvery * period : state.nextReport
  return { ...state, voice, isIsolated: true, spoken: null, claim: null, nextReport }
}

/** This node is the voice: it stays so while it can tell people, or nobody else can. */
function goOn(
  state: PickerState,
  there: readonly string[],
  now: number,
  { self }: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  if (!state.canTell && there.some((name) => isAble(state, name, self)))
    return beVoiceless(state, now, commands)
  const { outage, spoken } = state
  if (outage === null || spoken === outage) return state
  return raise(state, self, commands)
}

function follow(state: PickerState, voice: string, commands: PickerCommand[]): PickerState {
  if (voice === state.voice && !state.isIsolated) return state
  commands.push({ type: 'hush', voice })
  return { ...state, voice, isIsolated: false, spoken: null, claim: null }
}

/** Nobody speaks: this node does, when its turn has come and nobody objects. */
function seek(
  before: PickerState,
  there: readonly string[],
  now: number,
  settings: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const state = before.voice === null && !before.isIsolated ? before : beVoiceless(before, now, commands)
  const { start, last } = startOf(state, there, settings)
  if (state.claim !== null) return conclude(state, last, now, settings, commands)
  if (now < start || now < Math.min(state.nextClaim, last)) return state
  const peers = there.filter((name) => state.words.get(name)?.hops === 0)
  const id = state.claims + 1
  const claim = { id, until: now + settings.deadline, awaited: peers, isRefused: false }
  if (peers.length > 0) commands.push({ type: 'claim', id, peers })
  return conclude({ ...state, claims: id, claim }, last, now, settings, commands)
}

/** When this node's turn comes, and from when on it takes no refusal. */
function startOf(
  state: PickerState,
  there: readonly string[],
  { self, period, step, patience }: PickerSettings,
): { start: number; last: number } {
  const preferred = there.filter((name) => prefers(state, name, self, self))
  const heard = new Set(there)
  const absent = [...state.ranks.keys()].filter((name) => isBefore(state, name, self) && !heard.has(name))
  const last = state.voicelessSince + patience + Math.min(preferred.length + absent.length, mostSteps) * step
  if (preferred.length > 0) return { start: last, last }
  const start = Math.max(state.listensSince + period, state.voicelessSince)
  return { start: start + Math.min(absent.length, mostSteps) * step, last }
}

function conclude(
  state: PickerState,
  last: number,
  now: number,
  { self, period }: PickerSettings,
  commands: PickerCommand[],
): PickerState {
  const { claim } = state
  if (claim === null) return state
  const isRefused = claim.isRefused && now < last
  if (isRefused) return { ...state, claim: null, nextClaim: now + period / 2 }
  if (claim.awaited.length > 0 && now < claim.until) return state
  return raise(state, self, commands)
}

/** Becomes the voice, or the voice for a newer outage, and lets all know at once. */
function raise(state: PickerState, self: string, commands: PickerCommand[]): PickerState {
  const { outage } = state
  if (outage === null) return state
  const isNew = !state.told.some((one) => isSame(one, outage))
  commands.push({ type: 'speak', outage, isNew })
  return { ...state, voice: self, spoken: outage, claim: null, nextProbe: -Infinity }
}

function beVoiceless(state: PickerState, now: number, commands: PickerCommand[]): PickerState {
  if (state.voice !== null) commands.push({ type: 'hush', voice: null })
  return {
    ...state,
    voice: null,
    isIsolated: false,
    spoken: null,
    claim: null,
    voicelessSince: now,
    nextClaim: now,
  }
}
