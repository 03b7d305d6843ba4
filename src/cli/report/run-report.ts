import type { Run } from '../../app/once.ts'
import type { Plan } from '../../core/plan.ts'
import { type EntryStatus, type ProblemStatus, statusOf, type Verdict } from '../../core/status.ts'
import { render } from '../../core/text.ts'

/** What a single run tells: words in the plan's language, times in ISO 8601 UTC, lengths in seconds. */
export interface RunReport {
  readonly platform: string
  readonly node: string
  readonly at: string
  /** null: nothing was told now, the report is of what was seen last. */
  readonly tookSeconds: number | null
  readonly verdict: Verdict
  readonly exitCode: number
  readonly problems: readonly ProblemStatus[]
  readonly healed: readonly HealedStatus[]
  readonly entries: readonly EntryStatus[]
}

export interface HealedStatus {
  readonly entry: string
  readonly step: string
  readonly key: string
  readonly summary: string
  readonly tried: string
  readonly tookSeconds: number
}

/** Exit codes of a run: nothing worse than ok, problems remain, nothing worse than unknown. */
const exitCodes = { ok: 0, problems: 1, usage: 2, unknown: 3 } as const

/** The facts of a run, for every format. */
export function runReport(plan: Plan, { results, at, took }: Run): RunReport {
  const { language } = plan
  const records = results.map(({ entry, report, state }) => ({
    name: entry.name,
    kind: entry.kind,
    title: entry.story.title,
    at: report.at,
    took: report.took,
    state: stateOf(
      state,
      report.steps.map(({ step }) => step),
    ),
    samples: {},
  }))
  const status = statusOf(records, language)
  const healed = results.flatMap((result) => {
    return result.healed.map(({ problem }) => {
      const trial = problem.tried.at(-1)
      return {
        entry: result.entry.name,
        step: problem.step,
        key: problem.key,
        summary: render(problem.summary, language),
        tried: trial === undefined ? '' : render(trial.title, language),
        tookSeconds: Math.round(trial?.took ?? 0) / 1000,
      }
    })
  })
  return {
    platform: plan.platform,
    node: plan.node,
    at: new Date(at).toISOString(),
    tookSeconds: Math.round(took) / 1000,
    verdict: status.verdict,
    exitCode: exitCodeOf(status.verdict),
    problems: status.problems,
    healed,
    entries: status.entries,
  }
}

/** Only the steps of this run, in its order: a store may remember steps that are switched off now. */
function stateOf(state: Run['results'][number]['state'], steps: readonly string[]) {
  const told = steps.flatMap((step) => (state.steps[step] ? [[step, state.steps[step]] as const] : []))
  return { ...state, steps: Object.fromEntries(told) }
}

/** The exit code that tells a verdict. */
export function exitCodeOf(verdict: Verdict): number {
  if (verdict === 'critical' || verdict === 'warning') return exitCodes.problems
  return verdict === 'unknown' ? exitCodes.unknown : exitCodes.ok
}
