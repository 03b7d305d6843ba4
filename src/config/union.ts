import type { Value } from '../core/text.ts'
import { type Issue, saidOf, unsaidOf } from './issue.ts'
import { wanted } from './words.ts'

/** A value of none of the kinds that are possible. */
export interface Alternatives {
  readonly code: 'alternatives'
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Values that would be right. */
  readonly literals: readonly unknown[]
  /** Kinds of values that would be right. */
  readonly nouns: readonly Value[]
  /** What a schema of the right kind says of it. */
  readonly said: string | null
}

export type Flat = Exclude<Issue, { readonly code: 'invalid_union' }> | Alternatives

/**
 * Of a value that fits no branch of a union, the faults of the branch that was most likely meant: one whose kind of
 * value it is, with the fewest faults. Where it is of none of their kinds, one issue that names all that is possible.
 */
export function flatten(issue: Issue): readonly Flat[] {
  if (issue.code !== 'invalid_union') return [issue]
  const { path, message } = issue
  if ('options' in issue && issue.options !== undefined) {
    return [{ code: 'invalid_value', values: [...issue.options], path: [...path], message }]
  }
  const branches = issue.errors.map((branch) => branch.flatMap(flatten))
  const [meant, ...others] = branches
    .filter((branch) => !branch.some(isOfAnotherKind))
    .sort((a, b) => a.length - b.length)
  const kinds = branches.flatMap((branch) => branch.filter(isOfAnotherKind))
  const literals = kinds.flatMap(literalsOf)
  const own = saidOf(issue)
  if (own !== null && meant?.some((inner) => inner.path.length > 0) !== true) {
    return [{ code: 'alternatives', path, message, literals: [], nouns: [], said: own }]
  }
  const [first] = meant ?? []
  const said = first !== undefined && first.path.length === 0 ? saidOf(first) : null
  if (meant !== undefined && (said === null || literals.length + others.length === 0)) {
    return meant.map((inner) => ({ ...inner, path: [...path, ...inner.path] }))
  }
  const nouns = said === null ? kinds.flatMap(nounsOf) : []
  return [{ code: 'alternatives', path, message, literals: unique(literals), nouns: unique(nouns), said }]
}

function isOfAnotherKind({ code, path }: Flat): boolean {
  return path.length === 0 && ['invalid_type', 'invalid_value', 'alternatives'].includes(code)
}

function literalsOf(issue: Flat): readonly unknown[] {
  if (issue.code === 'invalid_value') return issue.values
  return issue.code === 'alternatives' ? issue.literals : []
}

function nounsOf(issue: Flat): readonly Value[] {
  if (issue.code === 'invalid_type') return [wanted(issue.expected, unsaidOf(issue).title)]
  return issue.code === 'alternatives' ? issue.nouns : []
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}
