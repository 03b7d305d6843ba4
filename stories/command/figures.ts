import { CannotTell, type Grades, type Problem, type StepContext, say, type Text } from 'healthz'
import type { Figure, Options } from './options.ts'
import { type Datum, parsePerfdata } from './perfdata.ts'
import type { Range } from './range.ts'
import { type Command, step, usualAdvice } from './target.ts'

/** The figures that the program prints are within their limits. */
export const perfdata = step({
  title: say`the figures of the command are within their limits`,
  on: ({ perfdata }) => perfdata.length > 0,
  async check(context) {
    const { target, options, signal, problem, cannotTell } = context
    const { stdout, isTruncated } = await target.run(signal)
    const data = parsePerfdata(stdout)
    if (isTruncated || data === null)
      return cannotTell(say`the figures that ${target.name} prints cannot be read`)
    const untold: Text[] = []
    for (const figure of options.perfdata) {
      try {
        const found = judge(figure, data, context)
        if (found !== null) problem(found)
      } catch (error) {
        if (!(error instanceof CannotTell)) throw error
        untold.push(error.reason)
      }
    }
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

type Context = StepContext<Command, Options>

function judge(figure: Figure, data: readonly Datum[], context: Context): Problem | null {
  const { label, warn, crit, advice } = figure
  const found = data.find((datum) => datum.label === label)
  if (found === undefined) throw new CannotTell(say`${context.target.name} prints no figure ${label}`)
  const { value, unit } = found
  if (value === null) throw new CannotTell(say`${context.target.name} could not tell ${label}`)
  const shown = `${value}${unit}`
  context.note(say`${label} is ${shown}`)
  const told = (range: Range, severity: 'warning' | 'critical'): Problem => ({
    key: label,
    severity,
    summary: say`${label} is ${shown} (limit ${range.text})`,
    advice: advice ?? usualAdvice,
    evidence: { value, unit, limit: range.text },
  })
  if (crit !== undefined && isBad(value, crit, 'critical', label, context.grade))
    return told(crit, 'critical')
  if (warn !== undefined && isBad(value, warn, 'warning', label, context.grade)) return told(warn, 'warning')
  return null
}

/** Ends of a range close at 90 % of where they opened. */
function isBad(
  value: number,
  { from, to, isInverted }: Range,
  severity: 'warning' | 'critical',
  key: string,
  grade: Context['grade'],
): boolean {
  if (isInverted) return value >= from && value <= to
  const past = (limits: Grades) => grade(value, limits, key) !== null
  return past({ [severity]: to }) || past({ [severity]: from, below: true })
}
