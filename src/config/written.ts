import type { z } from 'zod'
import { type Redact, Secret } from '../core/secret.ts'
import { isMapping } from './raw.ts'
import { partOf, titleOf } from './shape.ts'

/**
 * A parsed value as it would be written in a file: durations with their units, servers as URLs, secrets as `***`.
 * `schema` is what parsed it; without it, values stand as they are.
 */
export function written(value: unknown, schema: z.core.$ZodType | null, redact: Redact): unknown {
  if (value instanceof Secret) return String(value)
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'number') return titleOf(schema) === 'duration' ? writtenDuration(value) : value
  if (Array.isArray(value)) return value.map((item, index) => written(item, partOf(schema, index), redact))
  if (isServer(value)) return writtenServer(value, redact)
  if (!isMapping(value)) return value
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value))
  if (!isPlain) return redact(String(value))
  const pairs = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(
    pairs.map(([key, inner]) => [
      key,
      hides(key, inner) ? '***' : written(inner, partOf(schema, key), redact),
    ]),
  )
}

/** Milliseconds as `1h30m`: what parses to the same number. */
export function writtenDuration(ms: number): string {
  let rest = ms
  const parts = units.map(([size, unit]) => {
    const amount = unit === 'ms' ? rest : Math.floor(rest / size)
    rest -= amount * size
    return amount === 0 ? '' : `${amount}${unit}`
  })
  return parts.join('') || '0s'
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
  [1, 'ms'],
] as const

/** A text under such a key is hidden even where its schema does not know that it is secret. */
function hides(key: string, value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /pass(word|wd|phrase)?$|token$|secret$|api[-_]?key$|^authorization$/i.test(key)
  )
}

interface Server {
  readonly url: URL
  readonly user?: unknown
  readonly password?: unknown
}

function isServer(value: unknown): value is Server {
  return isMapping(value) && value['url'] instanceof URL
}

function writtenServer({ url, user, password }: Server, redact: Redact): string {
  const credentials = [user ?? '', password === undefined ? [] : '***'].flat().join(':')
  const at = credentials === '' ? '' : `${credentials}@`
  return redact(veiled(url)).replace('//', `//${at}`)
}

/** The URL without what may let people in: the values of its query, and parts of its path that look like a key. */
function veiled(url: URL): string {
  const path = url.pathname.split('/').map((part) => (looksLikeKey(part) ? '***' : part))
  const query = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=***`)
  const [start] = url.href.split(/(?<=[^/:])\/(?!\/)|\?|#/, 1)
  return `${start}${path.join('/')}${query.length === 0 ? '' : `?${query.join('&')}`}`
}

function looksLikeKey(part: string): boolean {
  return part.length >= 16 && /\d/.test(part) && /[a-z]/i.test(part)
}
