import { say } from '../core/text.ts'
import type { Reading } from './check.ts'
import { get, listOf } from './raw.ts'
import type { Path } from './source.ts'

/** What routes may name. */
export interface Routed {
  readonly channels: readonly string[]
  readonly entries: readonly string[]
  readonly kinds: readonly string[]
}

/** Tells of the names in `alarms` that are no name of anything. */
export function checkRoutes(
  raw: unknown,
  { channels, entries, kinds }: Routed,
  { findings, redact }: Reading,
): void {
  const tell = (value: unknown, path: Path, known: readonly string[]) => {
    if (typeof value !== 'string' || known.includes(value)) return
    const more = { misspelt: { word: value, known } }
    if (known === channels) findings.at(path, say`there is no channel "${redact(value)}"`, more)
    else if (known === entries) findings.at(path, say`there is no entry "${redact(value)}"`, more)
    else findings.at(path, say`there is no story "${redact(value)}"`, more)
  }
  const tellAll = (value: unknown, path: Path, known: readonly string[]) => {
    if (!Array.isArray(value)) tell(value, path, known)
    for (const [index, item] of listOf(value).entries()) tell(item, [...path, index], known)
  }
  tell(get(raw, 'fallback'), ['alarms', 'fallback'], channels)
  for (const [index, route] of listOf(get(raw, 'routes')).entries()) {
    const path = ['alarms', 'routes', index]
    const match = get(route, 'match')
    tellAll(get(route, 'to'), [...path, 'to'], channels)
    tellAll(get(match, 'entry'), [...path, 'match', 'entry'], entries)
    tellAll(get(match, 'story'), [...path, 'match', 'story'], kinds)
  }
}
