import { isScalar } from 'yaml'
import type { z } from 'zod'
import type { Redact } from '../core/secret.ts'
import { convert } from './convert.ts'
import { type Explained, explain, unknownKey } from './explain.ts'
import type { Findings } from './findings.ts'
import { safeParse } from './issue.ts'
import { secretsIn } from './secrets.ts'
import { objectOf } from './shape.ts'
import type { Path, Source } from './source.ts'
import type { Substituted } from './substitute.ts'

/** What is at hand while a configuration is looked at. */
export interface Reading {
  readonly source: Source
  readonly findings: Findings
  readonly substituted: Substituted
  /** Takes out of a plugin's own words whatever came out of the environment and out of files. */
  readonly redact: Redact
  /** Every secret met so far. */
  readonly secrets: Set<string>
}

/** A value that passed its schema; null where it did not, and the findings say why. */
export type Checked<T> = { readonly value: T } | null

/**
 * Checks the value at a path. A text that was one placeholder as a whole is taken for a number or for true and false
 * where the schema wants one. Unknown keys are faults whatever the schema says; `others` are keys that may stand
 * beside those of the schema and are not among the value's.
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: Path,
  reading: Reading,
  others: readonly string[] = [],
): Checked<T> {
  const { findings, redact, secrets } = reading
  let tried = value
  let result = safeParse(schema, tried)
  if ('issues' in result) {
    tried = convert(value, result.issues, (at) => isPlaceholder([...path, ...at], reading))
    if (tried !== value) result = safeParse(schema, tried)
  }
  const faults = [
    ...strayKeys(schema, value, path, others),
    ...('issues' in result ? explain(result.issues, { value: tried, base: path, redact, others }) : []),
  ]
  for (const { path: at, isKey, message, more } of faults) {
    if (isKey === true) findings.atKey(at, message, more)
    else findings.at(at, message, more)
  }
  if ('issues' in result || faults.length > 0) return null
  for (const secret of secretsIn(result.value, path, reading.substituted)) secrets.add(secret)
  return result
}

/** `"${PORT}"`, and `"{port}"` of an `each`. */
function isPlaceholder(path: Path, { source, substituted }: Reading): boolean {
  const pieces = substituted.piecesAt(path)
  if (pieces !== null) return pieces.length === 1
  const node = source.nodeAt(path)
  return isScalar(node) && typeof node.value === 'string' && /^\{[\w-]+\}$/.test(node.value)
}

/** The keys that a schema would drop without a word. */
function strayKeys(
  schema: z.ZodType,
  value: unknown,
  path: Path,
  others: readonly string[],
): readonly Explained[] {
  const object = objectOf(schema)
  if (object === null || object.mindsOthers || typeof value !== 'object' || value === null) return []
  const known = Object.keys(object.shape)
  const stray = Object.keys(value).filter((key) => !known.includes(key))
  return stray.map((key) => unknownKey(key, path, [...known, ...others]))
}
