import type { Redact } from '../core/secret.ts'
import { type Said, say, type Text } from '../core/text.ts'
import { tooBig, tooSmall } from './bounds.ts'
import type { More } from './findings.ts'
import { type Issue, type IssueOf, saidOf, unsaidOf } from './issue.ts'
import type { Path } from './source.ts'
import { type Alternatives, type Flat, flatten } from './union.ts'
import { formatOf, kindOf, literal, nameOf, wanted } from './words.ts'

/** A fault in people's words, of the value at a path or of the key that ends it. */
export interface Explained {
  readonly path: Path
  readonly isKey?: boolean
  readonly message: Text
  readonly more?: More
}

export interface Checking {
  /** What was checked, and the path that leads to it. */
  readonly value: unknown
  readonly base: Path
  readonly redact: Redact
  /** Keys that may stand beside those that the schema knows. */
  readonly others: readonly string[]
}

/** What the issues mean to people. */
export function explain(issues: readonly Issue[], checking: Checking): readonly Explained[] {
  const { value, base, redact, others } = checking
  return issues.flatMap(flatten).flatMap((issue) => {
    const path = [...base, ...issue.path]
    if (issue.code !== 'unrecognized_keys')
      return [explainOne(issue, valueAt(value, issue.path), path, redact)]
    const known = [...(unsaidOf(issue).known ?? []), ...(issue.path.length === 0 ? others : [])]
    return issue.keys.map((key) => unknownKey(key, path, known))
  })
}

function explainOne(issue: Flat, value: unknown, path: Path, redact: Redact): Explained {
  const name = nameOf(path)
  const said = saidOf(issue)
  if (value === undefined && issue.code !== 'custom') return { path, message: say`"${name}" is missing` }
  if (said !== null) return { path, message: say`"${name}": ${own(said, redact, issue)}` }
  switch (issue.code) {
    case 'invalid_type':
      return { path, message: wrongType(name, issue, value), more: { hint: hintOf(issue, value) } }
    case 'invalid_value':
      return {
        path,
        message: wrongValue(name, issue.values),
        more: { misspelt: misspelt(value, issue.values) },
      }
    case 'alternatives':
      return alternatives(path, issue, value, redact)
    case 'too_small':
      return { path, message: tooSmall(name, issue) }
    case 'too_big':
      return { path, message: tooBig(name, issue) }
    case 'invalid_format':
      return { path, message: say`"${name}" is not ${formatOf(issue.format)}` }
    case 'not_multiple_of':
      return { path, message: say`"${name}" must be a multiple of ${String(issue.divisor)}` }
    case 'invalid_key':
      return { path, isKey: true, message: wrongKey(name, issue.issues, redact) }
    default:
      return { path, message: say`"${name}" does not have a value that is possible here` }
  }
}

/** A schema's own words: a template, which has a translation and values where the schema is ours. */
function own(said: string, redact: Redact, issue?: Flat): Said {
  const { values = [] } =
    (issue?.code === 'custom' && (issue.params as { values?: string[] } | undefined)) || {}
  return { template: redact(said), values }
}

/** A key that means nothing in the mapping at a path. */
export function unknownKey(key: string, path: Path, known: readonly string[]): Explained {
  return {
    path: [...path, key],
    isKey: true,
    message: say`unknown key "${key}"`,
    more: { misspelt: { word: key, known } },
  }
}

function wrongType(name: string, issue: IssueOf<'invalid_type'>, value: unknown): Said {
  const noun = wanted(issue.expected, unsaidOf(issue).title)
  if (issue.expected === 'int' && typeof value === 'number') return say`"${name}" must be ${noun}`
  return say`"${name}" must be ${noun}, not ${kindOf(value)}`
}

const emptyHint = say`fill it in, or leave the line out`

function hintOf(issue: IssueOf<'invalid_type'>, value: unknown): Text | undefined {
  if (value === null) return emptyHint
  if (issue.expected === 'string' && typeof value === 'number') {
    return unsaidOf(issue).title === 'duration' ? say`add a unit: ms, s, m, h or d` : say`write it in quotes`
  }
  if (issue.expected === 'string' && typeof value === 'boolean') return say`write it in quotes`
  if (issue.expected === 'array' && typeof value !== 'object') return say`put it in brackets: [ ]`
  const [placeholder] = loneKeys(value)
  return placeholder === undefined ? undefined : say`write "{${placeholder}}" in quotes`
}

/** `port: {port}` without quotes is a mapping with a key and nothing in it. */
function loneKeys(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const [[key, inner] = [], ...others] = Object.entries(value)
  return key !== undefined && inner === null && others.length === 0 ? [key] : []
}

function alternatives(
  path: Path,
  { literals, nouns, said }: Alternatives,
  value: unknown,
  redact: Redact,
): Explained {
  const name = nameOf(path)
  const more = { misspelt: misspelt(value, literals), hint: value === null ? emptyHint : undefined }
  const words = spelt(literals)
  if (said !== null) return { path, message: say`"${name}": ${own(said, redact)}; or: ${words}`, more }
  if (nouns.length === 0) return { path, message: wrongValue(name, literals), more }
  if (words.length > 0) return { path, message: say`"${name}" must be one of: ${[...words, ...nouns]}`, more }
  return { path, message: say`"${name}" must be one of: ${nouns}, not ${kindOf(value)}`, more }
}

function wrongValue(name: string, values: readonly unknown[]): Said {
  const [only] = values
  if (values.length === 1) return say`"${name}" must be ${literal(only)}`
  return say`"${name}" must be one of: ${spelt(values)}`
}

/** Beside `off` and `never`, false is a way to write them. */
function spelt(values: readonly unknown[]): readonly string[] {
  const texts = values.filter((value) => typeof value === 'string')
  return (texts.length > 0 ? texts : values).map(literal)
}

function misspelt(value: unknown, values: readonly unknown[]): More['misspelt'] {
  if (typeof value !== 'string') return undefined
  return { word: value, known: values.filter((known) => typeof known === 'string'), isShort: false }
}

function wrongKey(name: string, issues: readonly Issue[], redact: Redact): Said {
  const said = issues.map(saidOf).find((words) => words !== null)
  if (said === undefined || said === null) return say`"${name}" cannot be a key here`
  return say`"${name}": ${own(said, redact)}`
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return undefined
    return (inner as Record<PropertyKey, unknown>)[step]
  }, value)
}
