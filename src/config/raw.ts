/** A mapping as the file has it, before it is checked. */
export type Raw = Readonly<Record<string, unknown>>

export function isMapping(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value under a key; undefined where the value is no mapping or does not have it. */
export function get(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** The items of a list; none where the value is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** `on` and `off`, which YAML 1.2 takes for texts, and true and false; null where the value is neither. */
export function flagOf(value: unknown): boolean | null {
  if (value === true || value === 'on' || value === 'true') return true
  if (value === false || value === 'off' || value === 'false') return false
  return null
}
