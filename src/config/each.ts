import { say } from '../core/text.ts'
import type { Reading } from './check.ts'
import type { Path } from './source.ts'

/** One of an entry's `each`: what takes the place of `{key}`. */
export type Item = Readonly<Record<string, unknown>>

/**
 * The value at a path with `{key}` replaced by the item's values wherever it is written in the file; what came out of
 * the environment stays as it is. A text that is one placeholder takes the value with its type. `{{key}}` stands for
 * `{key}`.
 */
export function expand(value: unknown, item: Item, path: Path, reading: Reading): unknown {
  if (typeof value === 'string') return expandText(value, item, path, reading)
  if (Array.isArray(value)) return value.map((inner, index) => expand(inner, item, [...path, index], reading))
  if (typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value)
  return Object.fromEntries(pairs.map(([key, inner]) => [key, expand(inner, item, [...path, key], reading)]))
}

const whole = /^\{([A-Za-z_][\w-]*)\}$/
const anywhere = /\{\{([A-Za-z_][\w-]*)\}\}|\{([A-Za-z_][\w-]*)\}/g

function expandText(text: string, item: Item, path: Path, reading: Reading): unknown {
  const [, only] = whole.exec(text) ?? []
  const pieces = reading.substituted.piecesAt(path)
  if (pieces === null && only !== undefined) return valueFor(only, item, path, reading)
  return (pieces ?? [{ text, from: 'file' }])
    .map((piece) => (piece.from === 'file' ? replace(piece.text, item, path, reading) : piece.text))
    .join('')
}

function replace(text: string, item: Item, path: Path, reading: Reading): string {
  return text.replaceAll(anywhere, (_written, escaped?: string, key?: string) =>
    key === undefined ? `{${escaped}}` : String(valueFor(key, item, path, reading)),
  )
}

function valueFor(key: string, item: Item, path: Path, { findings }: Reading): unknown {
  if (Object.hasOwn(item, key)) return item[key]
  const hint = say`write "{{${key}}}" where no placeholder is meant`
  findings.at(path, say`"each" has no "${key}"`, { hint, misspelt: { word: key, known: Object.keys(item) } })
  return ''
}
