import { Secret } from '../core/secret.ts'
import { isMapping } from './raw.ts'
import type { Path } from './source.ts'
import type { Substituted } from './substitute.ts'

/** The secrets in a parsed value that was written at a path, and what came out of the environment into them. */
export function secretsIn(value: unknown, path: Path, substituted: Substituted): readonly string[] {
  if (value instanceof Secret) {
    const pieces = substituted.piecesAt(path) ?? []
    return [value.reveal(), ...pieces.filter(({ from }) => from === 'environment').map(({ text }) => text)]
  }
  if (Array.isArray(value))
    return value.flatMap((item, index) => secretsIn(item, [...path, index], substituted))
  if (!isMapping(value)) return []
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, [...path, key], substituted))
}
