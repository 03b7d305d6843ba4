import { AssertionError } from 'node:assert'
import type { Consent, Evidence, Finding, Outcome, Severity, StepReport } from '../core/outcome.ts'
import { problemId } from '../core/outcome.ts'
import type { Cure } from '../core/story.ts'
import { render } from '../core/text.ts'

/**
 * What came of the steps that were asked. Each of its assertions throws an `AssertionError` that tells what came
 * instead, so it serves any test runner.
 */
export interface Told {
  /** The reports by step, as the engine has them. */
  readonly steps: Readonly<Record<string, StepReport>>
  /** A step's report. Throws where the step was not asked. */
  step(name: string): StepReport
  /** Asserts that a step, or every step that was asked, is ok. Returns the figures that it noted, in English. */
  ok(step?: string): readonly string[]
  /** Asserts that a step found this problem (`step` or `step/key`), and returns it. */
  problem(id: string): ProblemTold
  /** Asserts that a step found problems, and returns all of them. */
  problems(step: string): readonly ProblemTold[]
  /** Asserts that a step could not tell. Returns why, in English. */
  unknown(step: string): string
  /** Asserts that a step was not asked because what it needs is down. Returns why, in English. */
  skipped(step: string): string
  /** The cures that the problems carry, by problem. */
  readonly cures: ReadonlyMap<string, Cure>
  /** Runs the cure of a problem (`step` or `step/key`), whatever consent it needs. Throws what the cure throws. */
  cure(id: string): Promise<void>
}

/** A problem as people read it, in English. */
export interface ProblemTold {
  readonly key: string
  readonly severity: Severity
  readonly summary: string
  readonly advice: string
  readonly evidence: Evidence
  /** The cure that it carries; null: none. */
  readonly cure: { readonly title: string; readonly consent: Consent } | null
}

/** What was told, with its assertions. `close` is called once a cure has run: the target is open until then. */
export function toldOf(
  reports: readonly StepReport[],
  cures: ReadonlyMap<string, Cure>,
  close: () => Promise<void>,
): Told {
  const steps = Object.fromEntries(reports.map((report) => [report.step, report]))
  const step = (name: string): StepReport => {
    const report = steps[name]
    if (report === undefined) throw fault(`${name} was not asked`, reports)
    return report
  }
  const expect = (name: string, outcome: Outcome): StepReport => {
    const report = step(name)
    if (report.outcome !== outcome) throw fault(`${name} should be ${outcome}`, [report], outcome)
    return report
  }
  return {
    steps,
    step,
    cures,
    ok(name) {
      const wanted = name === undefined ? reports : [step(name)]
      const others = wanted.filter(({ outcome }) => outcome !== 'ok')
      if (others.length > 0)
        throw fault(`${others.map((one) => one.step).join(', ')} should be ok`, others, 'ok')
      return wanted.flatMap(({ notes }) => notes.map((note) => render(note)))
    },
    problem(id) {
      const report = expect(id.split('/', 1)[0] ?? id, 'problem')
      const finding = report.findings.find(({ key }) => problemId(report.step, key) === id)
      if (finding === undefined) throw fault(`there is no problem ${id}`, [report])
      return problemOf(finding)
    },
    problems: (name) => expect(name, 'problem').findings.map(problemOf),
    unknown: (name) => render(expect(name, 'unknown').reason ?? ''),
    skipped: (name) => render(expect(name, 'skipped').reason ?? ''),
    async cure(id) {
      const cure = cures.get(id)
      if (cure === undefined) throw fault(`${id} carries no cure`, reports)
      try {
        await cure.run({ signal: AbortSignal.timeout(cure.within ?? 60_000) })
      } finally {
        await close()
      }
    },
  }
}

function problemOf({ key, severity, summary, advice, evidence, cure }: Finding): ProblemTold {
  return {
    key,
    severity,
    summary: render(summary),
    advice: render(advice),
    evidence,
    cure: cure === undefined ? null : { title: render(cure.title), consent: cure.consent },
  }
}

/** Tells what came in place of what a test expects. */
function fault(message: string, reports: readonly StepReport[], expected?: Outcome): AssertionError {
  const lines = reports.flatMap(linesOf)
  return new AssertionError({
    message: [`${message}:`, ...(lines.length === 0 ? ['no step was asked'] : lines)].join('\n  '),
    actual: reports.map(({ outcome }) => outcome).join(', '),
    expected: expected ?? '',
    operator: 'told',
  })
}

function linesOf({ step, outcome, reason, findings }: StepReport): readonly string[] {
  const found = findings.map(
    ({ key, severity, summary }) => `${problemId(step, key)}: ${severity}: ${render(summary)}`,
  )
  return found.length > 0
    ? found
    : [`${step}: ${outcome}${reason === undefined ? '' : `: ${render(reason)}`}`]
}
