import { isPresent } from './hearsay.ts'
import type { Outage, PickerSettings, PickerState } from './types.ts'

/** Up to so many nodes, everyone asks everyone. */
const fullMesh = 30
/** Beyond: the most preferred, and some of the others in turn. */
const preferredAsked = 7
const othersAsked = 5

/** Whether `a` is to speak rather than `b`: who can tell people, then the order, then the name. */
export function prefers(state: PickerState, a: string, b: string, self: string): boolean {
  const [ableA, ableB] = [isAble(state, a, self), isAble(state, b, self)]
  if (ableA !== ableB) return ableA
  return isBefore(state, a, b)
}

/** Whether `a` comes before `b` in the order; nodes that the last view does not know come last, by name. */
export function isBefore({ ranks }: PickerState, a: string, b: string): boolean {
  const [rankA, rankB] = [ranks.get(a) ?? Infinity, ranks.get(b) ?? Infinity]
  return rankA === rankB ? a < b : rankA < rankB
}

export function isAble(state: PickerState, name: string, self: string): boolean {
  return name === self ? state.canTell : (state.words.get(name)?.canTell ?? true)
}

/** The other nodes that were heard lately. */
export function present(state: PickerState, now: number, period: number): string[] {
  return [...state.words].filter(([, heard]) => isPresent(heard, now, period)).map(([name]) => name)
}

/**
 * The one that speaks, this node included; null: none. Of several, whoever told people of the outage first goes on:
 * all that hear them agree on that, whatever their last view was.
 */
export function speaker(
  state: PickerState,
  now: number,
  { self, period }: Pick<PickerSettings, 'self' | 'period'>,
): string | null {
  const speakers = present(state, now, period).filter((name) => state.words.get(name)?.speaks)
  if (state.voice === self) speakers.push(self)
  const [first] = speakers.sort((a, b) => toldAt(state, a) - toldAt(state, b) || (a < b ? -1 : 1))
  return first ?? null
}

function toldAt({ told, outage }: PickerState, name: string): number {
  const own = told.filter(({ by, lastEpoch }) => by === name && lastEpoch === outage?.lastEpoch)
  // Not Infinity: the difference of two would be no number.
  return Math.min(Number.MAX_SAFE_INTEGER, ...own.map(({ at }) => at))
}

export function isSame(a: Outage, b: Outage): boolean {
  return a.cluster === b.cluster && a.generation === b.generation && a.lastEpoch === b.lastEpoch
}

/** Whom to ask now. */
export function probed(state: PickerState, self: string): string[] {
  const direct = [...state.words].filter(([, { hops }]) => hops === 0).map(([name]) => name)
  const all = [...new Set([...state.ranks.keys(), ...direct])].filter((name) => name !== self)
  if (all.length < fullMesh) return all
  const ordered = all.sort((a, b) => (isBefore(state, a, b) ? -1 : 1))
  const others = ordered.slice(preferredAsked)
  const from = (state.rounds * othersAsked) % others.length
  const turn = [...others, ...others].slice(from, from + othersAsked)
  const voice = state.voice !== null && state.voice !== self ? [state.voice] : []
  return [...new Set([...ordered.slice(0, preferredAsked), ...turn, ...voice])]
}

/** How long ago a node may have been heard to count as reachable: in large clusters not all are asked each period. */
export function reachWindow({ ranks }: PickerState, period: number): number {
  const rounds = ranks.size <= fullMesh ? 0 : Math.ceil((ranks.size - preferredAsked) / othersAsked)
  return (4 + rounds) * period
}
