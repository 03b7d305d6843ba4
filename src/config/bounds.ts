import { type Said, say } from '../core/text.ts'
import type { IssueOf } from './issue.ts'

/** A value below the least that is allowed. */
export function tooSmall(name: string, { origin, minimum, inclusive }: IssueOf<'too_small'>): Said {
  const limit = String(minimum)
  if (origin === 'string' || origin === 'array' || origin === 'set' || origin === 'map') {
    return Number(minimum) <= 1 ? say`"${name}" is empty` : say`"${name}" must be at least ${limit} long`
  }
  return inclusive === false
    ? say`"${name}" must be more than ${limit}`
    : say`"${name}" must be at least ${limit}`
}

/** A value above the most that is allowed. */
export function tooBig(name: string, { origin, maximum, inclusive }: IssueOf<'too_big'>): Said {
  const limit = String(maximum)
  if (origin === 'string' || origin === 'array' || origin === 'set' || origin === 'map') {
    return say`"${name}" must be at most ${limit} long`
  }
  return inclusive === false
    ? say`"${name}" must be less than ${limit}`
    : say`"${name}" must be at most ${limit}`
}
