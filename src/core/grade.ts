import type { Severity } from './outcome.ts'
import type { Grades } from './story.ts'

/** A limit that opened closes at nine tenths of it, so that a value at the limit does not raise and recover in turn. */
const slack = 0.1

/** The grade of a value, given the grade it is raised with (null: not raised). */
export function gradeOf(value: number, limits: Grades, before: Severity | null): Severity | null {
  if (isPast(value, limits.critical, before === 'critical', limits.below)) return 'critical'
  if (isPast(value, limits.warning, before !== null, limits.below)) return 'warning'
  return null
}

function isPast(value: number, limit: number | undefined, isOpen: boolean, below = false): boolean {
  if (limit === undefined) return false
  if (below) return value < (isOpen ? limit * (1 + slack) : limit)
  return value > (isOpen ? limit * (1 - slack) : limit)
}
