import {
  CannotTell,
  isAtLeast,
  isPast,
  isVersion,
  type Limit,
  type Problem,
  parseJson,
  type StepContext,
  say,
  valueAt,
} from 'healthz'
import type { Figure } from './expected.ts'
import { step } from './target.ts'

/** The figures in the answer are within their limits. */
export const json = step({
  title: say`the figures in the answer are within their limits`,
  on: ({ json }) => json.length > 0,
  async check({ target, options, signal, note, problem, grade, cannotTell }) {
    const { response } = await target.page(signal)
    const document = parseJson(response.body)
    if (response.isTruncated) cannotTell(say`the answer is longer than the 1 MiB that is read`)
    if (document === undefined) cannotTell(say`the answer is no JSON`)
    const untold: CannotTell['reason'][] = []
    for (const figure of options.json) {
      try {
        const value = valueAt(document, figure.path)
        const found = judge(figure, value, grade)
        if (typeof value !== 'object') note(say`${nameOf(figure)} is ${String(value).slice(0, 40)}`)
        if (found !== null) problem(found)
      } catch (error) {
        if (!(error instanceof CannotTell)) throw error
        untold.push(error.reason)
      }
    }
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

const nameOf = ({ name, path }: Figure) => name ?? path.text

function judge(figure: Figure, value: unknown, grade: StepContext['grade']): Problem | null {
  const { warn, crit, minimum } = figure
  if (value === undefined) throw new CannotTell(say`the answer has no ${figure.path.text}`)
  if (minimum !== undefined) {
    const version = String(value)
    if (!isVersion(version)) throw new CannotTell(say`${nameOf(figure)} is no version`)
    if (!isAtLeast(version, minimum)) return tooOld(figure, version, minimum)
  }
  if (warn === undefined && crit === undefined) return null
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number))
    throw new CannotTell(say`${nameOf(figure)} is no number`)
  const isOver = (limit: Limit | undefined, severity: 'warning' | 'critical'): limit is Limit =>
    limit !== undefined && isPast(number, limit, severity, nameOf(figure), grade)
  if (isOver(crit, 'critical')) return beyond(figure, number, crit, 'critical')
  if (isOver(warn, 'warning')) return beyond(figure, number, warn, 'warning')
  return null
}

function tooOld(figure: Figure, version: string, minimum: string): Problem {
  return {
    key: nameOf(figure),
    severity: 'warning',
    summary: say`${nameOf(figure)} is ${version} (at least ${minimum} is needed)`,
    advice: figure.advice ?? say`upgrade it`,
    evidence: { value: version, minimum },
  }
}

function beyond(
  figure: Figure,
  value: number,
  { operator, value: bound }: Limit,
  severity: 'warning' | 'critical',
): Problem {
  return {
    key: nameOf(figure),
    severity,
    summary: say`${nameOf(figure)} is ${value} (limit ${operator} ${bound})`,
    advice: figure.advice ?? say`look at what this figure counts`,
    evidence: { value, limit: `${operator} ${bound}` },
  }
}
