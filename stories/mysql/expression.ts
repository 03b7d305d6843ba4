import { type StepContext, z } from 'healthz'

const operators = ['>=', '<=', '!=', '==', '>', '<'] as const

/** A limit such as `> 100`: what the value must not be. */
export interface Limit {
  readonly operator: (typeof operators)[number]
  readonly value: number
}

/** A limit in an option, written as `> 100`, `<= 0.5`, `== 0` or `!= 1`. */
export function limit() {
  return z
    .string()
    .regex(/^\s*(>=|<=|!=|==|>|<)\s*-?\d+(\.\d+)?\s*$/, {
      error: 'not a limit; write it as "> 100" or "== 0"',
    })
    .meta({ title: 'limit', examples: ['> 100', '< 1', '== 0'] })
    .transform((text): Limit => {
      const trimmed = text.trim()
      const operator = operators.find((candidate) => trimmed.startsWith(candidate)) ?? '>'
      return { operator, value: Number(trimmed.slice(operator.length)) }
    })
}

/** Whether the value is what the limit forbids. Limits of `>` and `<` close at 90 % of where they opened. */
export function isPast(
  value: number,
  { operator, value: bound }: Limit,
  severity: 'warning' | 'critical',
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
