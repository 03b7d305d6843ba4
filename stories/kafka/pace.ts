/** A moment of a group in a partition, kept small because many are remembered. */
export type Moment = readonly [at: number, committed: number, lag: number]

/**
 * How a group gets on in a partition, by the rules of LinkedIn's Burrow (its wiki, "Consumer Lag Evaluation Rules"):
 * `still`: it has committed nothing new while messages waited, all through the window;
 * `rewound`: it has gone back;
 * `losing`: it takes messages, and more come than it takes;
 * `young`: there is no window yet to judge by.
 * Burrow sees the commits themselves; here they are sampled, so that a consumer which commits the same again and one
 * which is gone look alike.
 */
export type Pace = 'ok' | 'young' | 'still' | 'rewound' | 'losing'

/** The moments to keep for the next time: all that the window needs, some tens at most. */
export function keep(
  before: readonly Moment[],
  fresh: Moment,
  { window, allowed }: { readonly window: number; readonly allowed: number },
): readonly Moment[] {
  const [at, , lag] = fresh
  // Being up with the log at any moment makes all that was before it good.
  if (lag <= allowed) return [fresh]
  const moments = [...before]
  const [last, former] = [moments.at(-1), moments.at(-2)]
  if (last !== undefined && former !== undefined && last[0] - former[0] < window / 20) moments.pop()
  moments.push(fresh)
  // The first one lies before the window, so that the whole of it is known.
  while ((moments[1]?.[0] ?? at) <= at - window) moments.shift()
  return moments
}

export function paceOf(
  moments: readonly Moment[],
  { window, allowed }: { readonly window: number; readonly allowed: number },
): Pace {
  const last = moments.at(-1)
  if (last === undefined || last[2] <= allowed) return 'ok'
  if (pairs(moments).some(([[, before], [, after]]) => after < before)) return 'rewound'
  const late = moments.filter(([, , lag]) => lag > allowed)
  const [first] = late
  if (first === undefined || late.length < 3 || last[0] - first[0] < window) return 'young'
  if (last[1] === first[1]) return last[2] >= first[2] ? 'still' : 'ok'
  const neverShrinks = pairs(late).every(([[, , before], [, , after]]) => after >= before)
  return neverShrinks && last[2] > first[2] ? 'losing' : 'ok'
}

function pairs(moments: readonly Moment[]): readonly (readonly [Moment, Moment])[] {
  return moments.slice(1).map((moment, index) => [moments[index] ?? moment, moment])
}
