/** A time as programs write it, in milliseconds since 1970: seconds or milliseconds since then, or ISO 8601. */
export function momentOf(text: string): number | null {
  const trimmed = text.trim().replace(/^"(.*)"$/, '$1')
  if (/^\d{9,10}(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000
  if (/^\d{12,13}(\.\d+)?$/.test(trimmed)) return Number(trimmed)
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(trimmed)) return null
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(trimmed)
  const at = Date.parse(`${trimmed.replace(' ', 'T')}${hasZone ? '' : 'Z'}`)
  return Number.isNaN(at) ? null : at
}
