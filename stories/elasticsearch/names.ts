import { count, say, type Text } from 'healthz'
import type { Api } from './api.ts'

const shown = 10

/** Names for a text, of which there may be thousands. */
export function namesOf(names: readonly string[]): Text {
  if (names.length <= shown) return say`${names}`
  return say`${names.slice(0, shown)} and ${names.length - shown} more`
}

/** Ends a step that saw only some of the indices: what it found wrong stands, the rest is unknown. */
export function admitHidden(hidden: number, { who }: Api, cannotTell: (reason: Text) => never): void {
  if (hidden > 0)
    cannotTell(
      say`${who} may not see ${count(hidden, 'index', 'indices')}; grant it view_index_metadata (OpenSearch: indices:monitor/settings/get and indices:admin/aliases/get) on *`,
    )
}
