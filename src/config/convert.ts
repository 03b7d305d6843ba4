import type { Issue } from './issue.ts'
import type { Path } from './source.ts'

/**
 * The value with each text for which `isPlaceholder` holds turned into the number, or the true or false, that the
 * issues say was wanted there. The same value where there is none.
 */
export function convert(
  value: unknown,
  issues: readonly Issue[],
  isPlaceholder: (path: Path) => boolean,
): unknown {
  return issues
    .flatMap((issue) => leaves(issue, []))
    .reduce<unknown>((changed, { path, issue }) => {
      return changeAt(changed, path, (text) => (isPlaceholder(path) ? meant(text, issue) : text))
    }, value)
}

interface Leaf {
  readonly path: Path
  readonly issue: Issue
}

function leaves(issue: Issue, base: Path): readonly Leaf[] {
  const path = [...base, ...issue.path]
  if (issue.code !== 'invalid_union') return [{ path, issue }]
  return (issue.errors as readonly (readonly Issue[])[]).flat().flatMap((inner) => leaves(inner, path))
}

function meant(text: string, issue: Issue): unknown {
  const candidates = [numberOf(text), flagOf(text)].filter((value) => value !== null)
  return candidates.find((value) => isWanted(value, issue)) ?? text
}

function isWanted(value: number | boolean, issue: Issue): boolean {
  if (issue.code === 'invalid_value') return issue.values.includes(value)
  if (issue.code !== 'invalid_type') return false
  return issue.expected === typeof value || (issue.expected === 'int' && typeof value === 'number')
}

function numberOf(text: string): number | null {
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : null
}

function flagOf(text: string): boolean | null {
  const word = text.trim().toLowerCase()
  return word === 'true' || word === 'false' ? word === 'true' : null
}

function changeAt(value: unknown, path: Path, change: (text: string) => unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return typeof value === 'string' ? change(value) : value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value
  const inner = (value as Record<PropertyKey, unknown>)[key]
  const changed = changeAt(inner, rest, change)
  if (changed === inner) return value
  if (Array.isArray(value)) return value.with(Number(key), changed)
  return Object.fromEntries(Object.entries(value).map(([name, old]) => [name, name === key ? changed : old]))
}
