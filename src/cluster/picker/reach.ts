import { isPresent } from './hearsay.ts'
import { isBefore, reachWindow } from './order.ts'
import type { PickerSettings, PickerState } from './types.ts'

/**
 * Whether this node runs what belongs to `owner` while Redis is lost: its own, and that of a node nobody can reach
 * when this one is the next in the order that can be reached. A node that reaches a peer with Redis runs nothing: the
 * others have taken over its seats.
 */
export function runsFor(
  state: PickerState,
  owner: string,
  now: number,
  { self, period }: PickerSettings,
): boolean {
  if (state.phase !== 'picking') return owner === self
  if (state.isIsolated) return false
  if (owner === self) return true
  const isThere = (name: string) => name === self || isReachable(state, name, now, period)
  if (isThere(owner)) return false
  const order = [...state.ranks.keys()]
  const at = order.indexOf(owner)
  return [...order.slice(at + 1), ...order.slice(0, Math.max(0, at))].find(isThere) === self
}

/** Whoever was not asked for long enough counts as reachable. */
export function isReachable(state: PickerState, name: string, now: number, period: number): boolean {
  const window = reachWindow(state, period)
  if (now - state.listensSince < window) return true
  const heard = state.words.get(name)
  return heard !== undefined && now - heard.at <= window + (heard.hops * period) / 2
}

/** Through whom a node may be reached, likeliest first: itself or who told of it, then other neighbours. */
export function waysTo(state: PickerState, to: string, now: number, period: number): string[] {
  const first = state.words.get(to)
  if (first === undefined) return []
  const neighbours = [...state.words]
    .filter(([, heard]) => heard.hops === 0 && isPresent(heard, now, period))
    .map(([name]) => name)
    .sort((a, b) => (isBefore(state, a, b) ? -1 : 1))
  return [...new Set([first.hops === 0 ? to : first.via, ...neighbours])].slice(0, 4)
}
