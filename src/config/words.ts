import { type Said, say, type Text, type Value } from '../core/text.ts'
import type { Path } from './source.ts'

/** What kind of value this is, never the value: it may be secret. */
export function kindOf(value: unknown): Said {
  if (value === null || value === undefined) return say`nothing`
  if (Array.isArray(value)) return nouns['array'] ?? say`a list`
  return nouns[typeof value] ?? say`something else`
}

/** What a schema wants, by zod's word for it and by the title that the schema has. */
export function wanted(expected: string, title?: string): Value {
  return titles[title ?? ''] ?? nouns[expected] ?? expected
}

/** The setting that a path leads to, as people call it: `interval`, `to[2]`. */
export function nameOf(path: Path): string {
  const last = path.findLastIndex((step) => typeof step === 'string')
  if (last === -1) return path.length === 0 ? 'configuration' : `[${path.map(String).join('][')}]`
  return path
    .slice(last)
    .map((step, index) => (index === 0 ? String(step) : `[${String(step)}]`))
    .join('')
}

/** A value that a schema names, as it is written in YAML. */
export function literal(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}

/** A format that zod knows, as the end of "is not ...". */
export function formatOf(format: string): Text {
  return formats[format] ?? say`in the form that is wanted (${format})`
}

const nouns: Readonly<Record<string, Said>> = {
  string: say`a text`,
  number: say`a number`,
  int: say`a whole number`,
  boolean: say`true or false`,
  array: say`a list`,
  tuple: say`a list`,
  object: say`a mapping`,
  record: say`a mapping`,
  null: say`nothing`,
}

const titles: Readonly<Record<string, Said>> = {
  duration: say`a duration such as 30s or 10m`,
  URL: say`a URL`,
}

const formats: Readonly<Record<string, Said>> = {
  url: say`a URL`,
  email: say`a mail address`,
  hostname: say`a host name`,
  ipv4: say`an IPv4 address`,
  ipv6: say`an IPv6 address`,
  date: say`a date such as 2026-11-20`,
  datetime: say`a time such as 2026-11-20T10:00:00Z`,
  uuid: say`a UUID`,
  json_string: say`JSON`,
}
