import type { ProblemStatus, StepStatus } from '../../core/status.ts'
import type { RunReport } from './run-report.ts'

/** The report in the Test Anything Protocol, version 14: a test a step; what could not be told is a TODO. */
export function tapReport({ entries, problems }: RunReport): string {
  const lines = entries.flatMap(({ name, steps }) => {
    return steps.map((step) => ({
      name: `${name}: ${step.step}`,
      step,
      found: foundBy(problems, name, step.step),
    }))
  })
  const points = lines.map(({ name, step, found }, index) => {
    const isOk = found.length === 0 && step.outcome !== 'unknown'
    const head = `${isOk ? 'ok' : 'not ok'} ${index + 1} - ${escapeTap(name)}${directive(step, found)}`
    return [head, ...diagnosis(found)].join('\n')
  })
  return ['TAP version 14', `1..${points.length}`, ...points, ''].join('\n')
}

function foundBy(problems: readonly ProblemStatus[], entry: string, step: string): readonly ProblemStatus[] {
  return problems.filter(
    (problem) => problem.entry === entry && problem.step === step && problem.phase === 'raised',
  )
}

function directive({ outcome, reason }: StepStatus, found: readonly ProblemStatus[]): string {
  if (found.length > 0) return ''
  if (outcome === 'skipped') return ` # SKIP ${escapeTap(reason ?? '')}`
  return outcome === 'unknown' ? ` # TODO unknown: ${escapeTap(reason ?? '')}` : ''
}

function diagnosis(found: readonly ProblemStatus[]): string[] {
  if (found.length === 0) return []
  const items = found.flatMap(({ severity, summary, advice, since }) => [
    `    - severity: ${severity}`,
    `      summary: ${JSON.stringify(summary)}`,
    `      advice: ${JSON.stringify(advice)}`,
    `      since: ${since}`,
  ])
  return ['  ---', '  problems:', ...items, '  ...']
}

/** `#` and `\` have a meaning in a test point's line. */
const escapeTap = (text: string) => text.replace(/[\\#]/g, '\\$&').replaceAll('\n', ' ')
