import type { Digest, DigestAlarm } from 'healthz'

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/**
 * The template with the digest put in: `{subject}`, `{alarms.0.summary}`. A string that is nothing but one placeholder
 * becomes the value itself, be it a list or a number; inside a longer string what is no string is written as JSON. An
 * alarm that is not there gives null, or nothing inside a longer string.
 */
export function fill(template: Json, digest: Digest): Json {
  if (typeof template === 'string') return fillString(template, digest)
  if (Array.isArray(template)) return template.map((item) => fill(item, digest))
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, fill(value, digest)]))
}

/** The placeholders of a template that stand for nothing in a digest, as they are written; `{{doubled}}` ones too. */
export function unknownPlaceholders(template: Json): readonly string[] {
  if (typeof template === 'string') {
    return [...template.matchAll(anyPlaceholder)].flatMap(([whole, path]) => {
      return path !== undefined && isKnown(path) ? [] : [whole]
    })
  }
  if (typeof template !== 'object' || template === null) return []
  return Object.values(template).flatMap(unknownPlaceholders)
}

const path = '[a-zA-Z][\\w-]*(?:\\.[\\w-]+)*'
const placeholder = new RegExp(`\\{(${path})\\}`, 'g')
const onlyPlaceholder = new RegExp(`^\\{(${path})\\}$`)
const anyPlaceholder = new RegExp(`\\{\\{\\s*${path}\\s*\\}\\}|\\{(${path})\\}`, 'g')

function fillString(template: string, digest: Digest): Json {
  const [, only] = onlyPlaceholder.exec(template) ?? []
  if (only !== undefined) return valueAt(only, digest)
  return template.replace(placeholder, (_, path: string) => {
    const value = valueAt(path, digest)
    if (value === null) return ''
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}

function valueAt(path: string, digest: Digest): Json {
  let value: unknown = digest
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    value = (value as Record<string, unknown>)[name]
  }
  return value as Json // a digest is plain JSON throughout
}

/** `alarms` may be followed by a place in the list and a field of an alarm, what lies below a field is free. */
function isKnown(path: string): boolean {
  const [field = '', place, part] = path.split('.')
  if (!Object.hasOwn(digestFields, field)) return false
  if (field === 'labels') return place === undefined || Object.hasOwn(labelFields, place)
  if (field !== 'alarms') return place === undefined
  if (place !== undefined && !/^\d+$/.test(place)) return false
  return part === undefined || Object.hasOwn(alarmFields, part)
}

const digestFields: Readonly<Record<keyof Digest, true>> = {
  key: true,
  subject: true,
  headline: true,
  text: true,
  severity: true,
  platform: true,
  node: true,
  language: true,
  at: true,
  alarms: true,
  labels: true,
  footer: true,
}

const labelFields: Readonly<Record<keyof Digest['labels'], true>> = {
  tried: true,
  advice: true,
  offer: true,
  affected: true,
  details: true,
  where: true,
}

const alarmFields: Readonly<Record<keyof DigestAlarm, true>> = {
  dedupKey: true,
  occurrence: true,
  kind: true,
  word: true,
  isOver: true,
  entry: true,
  title: true,
  step: true,
  key: true,
  where: true,
  severity: true,
  severityWord: true,
  summary: true,
  advice: true,
  since: true,
  at: true,
  lastedSeconds: true,
  when: true,
  tried: true,
  offer: true,
  affected: true,
  evidence: true,
  tags: true,
}
