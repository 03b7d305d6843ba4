import type { Hearsay, PickerSettings, Word } from './types.ts'

type Pace = Pick<PickerSettings, 'self' | 'period'>

const mostHops = 16
const mostWords = 64

/** How many periods of silence make a node absent. */
const silence = 3

/**
 * Takes what a peer tells into `words`; returns whether it is news that others should hear soon. Word that came over
 * more hops counts only where it is clearly newer: else two nodes would keep a dead one alive for each other.
 */
export function hear(
  words: Map<string, Hearsay>,
  from: string,
  told: readonly Word[],
  now: number,
  pace: Pace,
): boolean {
  let isNews = false
  for (const { name, age, hops: passed, ...rest } of told) {
    const isDirect = name === from
    const hops = isDirect ? 0 : passed + 1
    if (name === pace.self || hops > mostHops) continue
    const fresh: Hearsay = { ...rest, at: isDirect ? now : now - age, hops, via: from }
    const old = words.get(name)
    if (old !== undefined && !isDirect && !isNewer(fresh, old, pace.period)) continue
    words.set(name, fresh)
    const wasThere = old !== undefined && isPresent(old, now, pace.period)
    if (isPresent(fresh, now, pace.period) && (!wasThere || old.speaks !== fresh.speaks)) isNews = true
  }
  return isNews
}

/** Whether a node was heard lately enough to be counted on; what came over others may be somewhat older. */
export function isPresent({ at, hops }: Hearsay, now: number, period: number): boolean {
  return now <= presentUntil({ at, hops }, period)
}

export function presentUntil({ at, hops }: Pick<Hearsay, 'at' | 'hops'>, period: number): number {
  return at + (silence + hops / 2) * period
}

export function seesRedis({ fault, beatAge }: Hearsay, valid: number): boolean {
  return fault === null && beatAge !== null && beatAge < valid
}

/** What to tell others: the most preferred of those that are there. */
export function wordsOf(
  words: ReadonlyMap<string, Hearsay>,
  ranks: ReadonlyMap<string, number>,
  now: number,
  period: number,
): Word[] {
  return [...words]
    .filter(([, heard]) => isPresent(heard, now, period) && heard.hops < mostHops)
    .sort(([a], [b]) => (ranks.get(a) ?? Infinity) - (ranks.get(b) ?? Infinity))
    .slice(0, mostWords)
    .map(([name, { at, hops, fault, beatAge, canTell, speaks }]) => {
      return { name, age: Math.max(0, now - at), hops, fault, beatAge, canTell, speaks }
    })
}

function isNewer(fresh: Hearsay, old: Hearsay, period: number): boolean {
  return fresh.at > old.at + (fresh.hops > old.hops ? period / 2 : 0)
}
