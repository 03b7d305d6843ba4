import type { Evidence, Finding, Outcome, Report, Severity, StepReport } from './outcome.ts'
import { problemId } from './outcome.ts'
import { say, type Text } from './text.ts'

/** How sure the judge must be. Times in milliseconds. */
export interface Policy {
  /** Bad tellings in a row before a problem is raised. */
  readonly confirm: number
  /** Good tellings in a row before it is recovered. */
  readonly clear: number
  /** How often people are reminded of a problem that stays; null: never. */
  readonly remindEvery: number | null
  /** Blind tellings in a row before the blindness itself is a problem. */
  readonly blindAfter: number
  /** A problem raised more than `raises` times within `window` is flapping: it must stay good for `calm` to end. */
  readonly flapping: { readonly raises: number; readonly window: number; readonly calm: number }
  /** What the entry says of single steps. */
  readonly steps: Readonly<Record<string, StepPolicy>>
}

export interface StepPolicy {
  readonly confirm?: number | undefined
  readonly clear?: number | undefined
  readonly severity?: Severity | undefined
}

/** What is known of an entry between tellings. Plain JSON. */
export interface EntryState {
  readonly steps: Readonly<Record<string, StepState>>
  /** By problem id (`step` or `step/key`). */
  readonly problems: Readonly<Record<string, ProblemState>>
  /** When each problem was raised lately, for flapping. */
  readonly raises: Readonly<Record<string, readonly number[]>>
}

export interface StepState {
  readonly outcome: Outcome
  /** Since when it has this outcome. */
  readonly since: number
  readonly at: number
  readonly took: number
  readonly notes: readonly Text[]
  readonly reason: Text | null
  readonly blind: number
}

export interface ProblemState {
  readonly step: string
  readonly key: string
  readonly phase: 'suspected' | 'raised'
  readonly severity: Severity
  readonly summary: Text
  readonly advice: Text
  readonly evidence: Evidence
  /** When it was first seen. */
  readonly since: number
  readonly raisedAt: number | null
  readonly seenAt: number
  /** Tellings in a row that found it, and that did not. */
  readonly bad: number
  readonly good: number
  readonly goodSince: number | null
  /** When people were last told of it; null: nobody was told yet. */
  readonly toldAt: number | null
  readonly flapping: boolean
  /** The cures tried on it, newest last. */
  readonly tried: readonly Trial[]
  /** The cure it carries, for people who may consent to it. */
  readonly cure: NonNullable<Finding['cure']> | null
  /** The entry whose problem explains this one, where it does: people hear of that instead. */
  readonly cause?: string
}

/** One attempt at a cure. */
export interface Trial {
  readonly at: number
  readonly title: Text
  readonly result: 'healed' | 'still-there' | 'failed' | 'rehearsed' | 'held-back'
  readonly took: number
  readonly detail: Text | null
}

export type TransitionKind = 'raised' | 'worsened' | 'reminded' | 'recovered' | 'withdrawn'

export interface Transition {
  readonly kind: TransitionKind
  readonly at: number
  readonly problem: ProblemState
}

export interface Verdict {
  readonly after: EntryState
  readonly transitions: readonly Transition[]
  /** Steps whose answer another telling would settle: a suspicion, or a first sign of recovery. */
  readonly unsettled: readonly string[]
}

export const emptyState: EntryState = { steps: {}, problems: {}, raises: {} }

/** The step under which an entry's own blindness is told. */
const blindKey = 'blind'

/**
 * The pure rule: state before + facts -> state after + what people should be told. It judges the steps that the
 * report holds; the others stay as they were. A step that could not tell leaves its problems frozen; one that could
 * tell only a part, those that it did not find.
 */
export function judge(before: EntryState, report: Report, policy: Policy): Verdict {
  const steps: Record<string, StepState> = { ...before.steps }
  const problems: Record<string, ProblemState> = { ...before.problems }
  const raises: Record<string, readonly number[]> = { ...before.raises }
  const transitions: Transition[] = []
  const unsettled = new Set<string>()

  for (const told of report.steps) {
    const step = stepAfter(before.steps[told.step], told)
    steps[told.step] = step
    const found = findingsOf(told, step, policy)
    const { confirm = policy.confirm, clear = policy.clear } = policy.steps[told.step] ?? {}

    for (const finding of found) {
      const id = problemId(told.step, finding.key)
      const next = seen(problems[id], told, finding)
      const isSure = next.bad >= Math.max(1, finding.confirm ?? confirm)
      if (next.phase === 'suspected' && !isSure) {
        problems[id] = next
        unsettled.add(told.step)
        continue
      }
      const [problem, kind] = raise(problems[id], next, told.at, finding.spell ?? told.at, policy.remindEvery)
      if (kind === 'raised' && problems[id]?.phase !== 'raised') raises[id] = [...(raises[id] ?? []), told.at]
      problems[id] = { ...problem, flapping: isFlapping(raises[id] ?? [], told.at, policy) }
      if (kind !== null) transitions.push({ kind, at: told.at, problem: problems[id] })
    }

    if (told.outcome !== 'ok' && told.outcome !== 'problem') continue
    const isWhole = told.reason === undefined
    const foundIds = new Set(found.map((finding) => problemId(told.step, finding.key)))
    for (const [id, problem] of Object.entries(problems)) {
      if (problem.step !== told.step || foundIds.has(id)) continue
      if (!isWhole && problem.key !== blindKey) continue
      const next = { ...problem, bad: 0, good: problem.good + 1, goodSince: problem.goodSince ?? told.at }
      if (problem.phase === 'suspected') {
        delete problems[id]
        continue
      }
      const calmFor = told.at - next.goodSince
      const isOver = problem.flapping ? calmFor >= policy.flapping.calm : next.good >= clear
      if (isOver) {
        delete problems[id]
        transitions.push({ kind: 'recovered', at: told.at, problem: next })
        continue
      }
      problems[id] = next
      if (!problem.flapping) unsettled.add(told.step)
    }
  }

  return {
    after: { steps, problems, raises: recentOnly(raises, report.at, policy) },
    transitions,
    unsettled: [...unsettled],
  }
}

/** What an entry that is no longer watched leaves to be told: every raised problem is withdrawn. */
export function withdraw(before: EntryState, at: number, isWatched: (step: string) => boolean): Verdict {
  const gone = Object.entries(before.problems).filter(([, problem]) => !isWatched(problem.step))
  const problems = { ...before.problems }
  for (const [id] of gone) delete problems[id]
  const steps = Object.fromEntries(Object.entries(before.steps).filter(([step]) => isWatched(step)))
  const transitions = gone
    .filter(([, problem]) => problem.phase === 'raised')
    .map(([, problem]) => ({ kind: 'withdrawn' as const, at, problem }))
  return { after: { ...before, steps, problems }, transitions, unsettled: [] }
}

function stepAfter(before: StepState | undefined, told: StepReport): StepState {
  const isSame = before?.outcome === told.outcome
  return {
    outcome: told.outcome,
    since: isSame ? before.since : told.at,
    at: told.at,
    took: told.took,
    notes: told.notes,
    reason: told.reason ?? null,
    blind: told.outcome === 'unknown' ? (before?.blind ?? 0) + 1 : 0,
  }
}

/** What the step found, re-graded by the policy, or its own lasting blindness. */
function findingsOf(told: StepReport, step: StepState, policy: Policy): readonly Finding[] {
  const severity = policy.steps[told.step]?.severity
  if (told.outcome === 'unknown' && step.blind >= policy.blindAfter) return [blindness(told)]
  if (told.outcome !== 'problem') return []
  return severity === undefined ? told.findings : told.findings.map((finding) => ({ ...finding, severity }))
}

function blindness(told: StepReport): Finding {
  return {
    key: blindKey,
    severity: 'warning',
    summary: say`this could not be told several times in a row: ${told.reason ?? '?'}`,
    advice: say`give the watchman what it needs to look, or switch the step off`,
    evidence: {},
    confirm: 1,
  }
}

function seen(before: ProblemState | undefined, told: StepReport, found: Finding): ProblemState {
  return {
    step: told.step,
    key: found.key,
    phase: before?.phase ?? 'suspected',
    severity: found.severity,
    summary: found.summary,
    advice: found.advice,
    evidence: found.evidence,
    since: before?.since ?? told.at,
    raisedAt: before?.raisedAt ?? null,
    seenAt: told.at,
    bad: (before?.bad ?? 0) + 1,
    good: 0,
    goodSince: null,
    toldAt: before?.toldAt ?? null,
    flapping: before?.flapping ?? false,
    tried: before?.tried ?? [],
    cure: found.cure ?? null,
  }
}

function raise(
  before: ProblemState | undefined,
  next: ProblemState,
  at: number,
  spell: number,
  remindEvery: number | null,
): [ProblemState, TransitionKind | null] {
  if (before?.phase !== 'raised') return [{ ...next, phase: 'raised', raisedAt: spell, toldAt: at }, 'raised']
  // Raised in a run that told nobody: people hear of it now, as of the moment it was raised.
  if (before.toldAt === null) return [{ ...next, toldAt: at }, 'raised']
  if (before.severity === 'warning' && next.severity === 'critical')
    return [{ ...next, toldAt: at }, 'worsened']
  const isDue = remindEvery !== null && at - before.toldAt >= remindEvery
  return isDue ? [{ ...next, toldAt: at }, 'reminded'] : [next, null]
}

function isFlapping(raises: readonly number[], at: number, { flapping }: Policy): boolean {
  return raises.filter((raised) => at - raised <= flapping.window).length > flapping.raises
}

function recentOnly(
  raises: EntryState['raises'],
  at: number,
  { flapping }: Policy,
): Readonly<Record<string, readonly number[]>> {
  const recent = Object.entries(raises).map(
    ([id, times]) => [id, times.filter((t) => at - t <= flapping.window)] as const,
  )
  return Object.fromEntries(recent.filter(([, times]) => times.length > 0))
}

/** The state with one more attempt at a cure written to a problem; unchanged where the problem is gone. */
export function withTrial(state: EntryState, id: string, trial: Trial): EntryState {
  const problem = state.problems[id]
  if (problem === undefined) return state
  const tried = [...problem.tried, trial].slice(-mostTrials)
  return { ...state, problems: { ...state.problems, [id]: { ...problem, tried } } }
}

/** How many attempts a problem remembers: enough for a day of hourly tries to be told in one message. */
const mostTrials = 10
