import { z } from 'zod'
import type { Severity } from './outcome.ts'
import type { StepContext } from './story.ts'
import { say } from './text.ts'

const notALimit = say`not a limit; write it as "> 100" or "== 0"`

/** What a value must not be. */
export interface Limit {
  readonly operator: '>=' | '<=' | '!=' | '==' | '>' | '<'
  readonly value: number
}

/** A limit in an option, written as `> 100`, `<= 0.5`, `== 0` or `!= 1`. */
export function limit() {
  return z
    .string()
    .regex(pattern, { error: notALimit.template })
    .meta({ title: 'limit', examples: ['> 100', '< 1', '== 0'] })
    .transform((text): Limit => {
      const [, operator = '>', value] = pattern.exec(text) ?? []
      // The pattern allows these operators only.
      return { operator: operator as Limit['operator'], value: Number(value) }
    })
}

const pattern = /^\s*(>=|<=|!=|==|>|<)\s*(-?\d+(?:\.\d+)?)\s*$/

/** Whether the value is what the limit forbids. Limits of `>` and `<` close at 90 % of where they opened. */
export function isPast(
  value: number,
  { operator, value: bound }: Limit,
  severity: Severity,
  key: string,
  grade: StepContext['grade'],
): boolean {
  switch (operator) {
    case '>':
      return grade(value, { [severity]: bound }, key) !== null
    case '<':
      return grade(value, { [severity]: bound, below: true }, key) !== null
    case '>=':
      return value >= bound
    case '<=':
      return value <= bound
    case '==':
      return value === bound
    case '!=':
      return value !== bound
  }
}
