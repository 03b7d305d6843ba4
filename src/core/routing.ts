import type { Alarm } from './alarm.ts'
import { baseNameOf } from './entry-name.ts'
import type { AlarmPolicy, Route } from './plan.ts'

/** What routes look at. */
export type Routable = Pick<Alarm, 'entry' | 'story' | 'tags' | 'problem'>

/**
 * The channels that an alarm goes to, each once. Routes are tried in order; the first that matches decides, and one
 * that says `continue` adds its channels and lets the next ones have their say. Nothing is silent by accident: where
 * there are no routes, where none matches, or where those that match name only channels that do not exist, the alarm
 * goes to all. Who wants no alarm of a kind says so: a route to nobody (`to: []`) decides like any other.
 */
export function channelsFor(
  alarm: Routable,
  { routes }: Pick<AlarmPolicy, 'routes'>,
  all: readonly string[],
): readonly string[] {
  const chosen = chosenBy(alarm, routes)
  const named = [...new Set(chosen.flatMap(({ to }) => to))]
  if (chosen.length > 0 && named.length === 0) return []
  const known = named.filter((name) => all.includes(name))
  return known.length > 0 ? known : all
}

/** The routes that match, up to and with the first that does not say `continue`. */
function chosenBy(alarm: Routable, routes: readonly Route[]): readonly Route[] {
  const matching = routes.filter(({ match }) => matches(alarm, match))
  const last = matching.findIndex((route) => !route.continue)
  return last === -1 ? matching : matching.slice(0, last + 1)
}

/**
 * Every condition must hold; within one, any of its values will do. A route without conditions matches all. An entry
 * that every node tells about itself matches by its name in the configuration, and by that with the node.
 */
function matches({ problem, entry, tags, story }: Routable, match: Route['match']): boolean {
  return (
    isAmong(match.severity, [problem.severity]) &&
    isAmong(match.entry, [entry, baseNameOf(entry)]) &&
    isAmong(match.story, [story]) &&
    isAmong(match.tag, tags)
  )
}

function isAmong(wanted: readonly string[] | undefined, has: readonly string[]): boolean {
  return wanted === undefined || has.some((value) => wanted.includes(value))
}
