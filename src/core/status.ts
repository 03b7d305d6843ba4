import type { ProblemState, StepState, Trial } from './judge.ts'
import type { Evidence, Outcome, Severity } from './outcome.ts'
import { plain } from './plain.ts'
import type { EntryRecord } from './store.ts'
import { type Language, render, type Text } from './text.ts'

/** The platform as it was last seen, for pages, APIs and reports: words in one language, times in ISO 8601 UTC. */
export interface Status {
  readonly verdict: Verdict
  readonly entries: readonly EntryStatus[]
  /** Worst first, then oldest first; those that another one explains come last. */
  readonly problems: readonly ProblemStatus[]
}

/** `pending`: nothing was told yet. */
export type Verdict = 'ok' | 'unknown' | 'warning' | 'critical' | 'pending'

export interface EntryStatus {
  readonly name: string
  readonly story: string
  readonly title: string
  readonly verdict: Verdict
  readonly at: string
  readonly tookSeconds: number
  readonly steps: readonly StepStatus[]
}

export interface StepStatus {
  readonly step: string
  readonly outcome: Outcome
  readonly since: string
  readonly at: string
  readonly tookSeconds: number
  readonly notes: readonly string[]
  readonly reason: string | null
}

export interface ProblemStatus {
  readonly entry: string
  readonly story: string
  readonly step: string
  readonly key: string
  readonly phase: ProblemState['phase']
  readonly severity: Severity
  readonly summary: string
  readonly advice: string
  readonly since: string
  readonly raisedAt: string | null
  readonly flapping: boolean
  readonly evidence: Evidence
  readonly tried: readonly TrialStatus[]
  /** The entry whose problem explains this one; people are told of that instead. */
  readonly cause: string | null
  /** The cure that waits for a person's consent, where there is one. */
  readonly cure: { readonly title: string; readonly consent: 'auto' | 'ask' } | null
}

export interface TrialStatus {
  readonly title: string
  readonly at: string
  readonly result: Trial['result']
  readonly tookSeconds: number
  readonly detail: string | null
}

/** What the store knows, said in one language. */
export function statusOf(records: readonly EntryRecord[], language: Language): Status {
  const entries = records.map((record) => entryStatus(record, language))
  const problems = records.flatMap((record) => problemsOf(record, language)).sort(worstFirst)
  return { verdict: worst(entries.map(({ verdict }) => verdict)), entries, problems }
}

const order: readonly Verdict[] = ['ok', 'unknown', 'warning', 'critical']

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return 'pending'
  return order[Math.max(...verdicts.map((verdict) => order.indexOf(verdict)))] ?? 'pending'
}

function worstFirst(a: ProblemStatus, b: ProblemStatus): number {
  return (
    Number(a.cause !== null) - Number(b.cause !== null) ||
    order.indexOf(b.severity) - order.indexOf(a.severity) ||
    a.since.localeCompare(b.since)
  )
}

function entryStatus({ name, kind, title, at, took, state }: EntryRecord, language: Language): EntryStatus {
  const raised = Object.values(state.problems).filter(({ phase }) => phase === 'raised')
  const isBlind = Object.values(state.steps).some(({ outcome }) => outcome === 'unknown')
  const verdict = worst([...raised.map(({ severity }) => severity), isBlind ? 'unknown' : 'ok'])
  return {
    name,
    story: kind,
    title: tell(title, language),
    verdict,
    at: iso(at),
    tookSeconds: inSeconds(took),
    steps: Object.entries(state.steps).map(([step, told]) => stepStatus(step, told, language)),
  }
}

function stepStatus(step: string, told: StepState, language: Language): StepStatus {
  return {
    step,
    outcome: told.outcome,
    since: iso(told.since),
    at: iso(told.at),
    tookSeconds: inSeconds(told.took),
    notes: told.notes.map((note) => tell(note, language)),
    reason: told.reason === null ? null : tell(told.reason, language),
  }
}

function problemsOf({ name, kind, state }: EntryRecord, language: Language): ProblemStatus[] {
  return Object.values(state.problems).map((problem) => ({
    entry: name,
    story: kind,
    step: problem.step,
    key: problem.key,
    phase: problem.phase,
    severity: problem.severity,
    summary: tell(problem.summary, language),
    advice: tell(problem.advice, language),
    since: iso(problem.since),
    raisedAt: problem.raisedAt === null ? null : iso(problem.raisedAt),
    flapping: problem.flapping,
    evidence: problem.evidence,
    tried: problem.tried.map((trial) => ({
      title: tell(trial.title, language),
      at: iso(trial.at),
      result: trial.result,
      tookSeconds: inSeconds(trial.took),
      detail: trial.detail === null ? null : tell(trial.detail, language),
    })),
    cause: problem.cause ?? null,
    cure: problem.cure === null ? null : { ...problem.cure, title: tell(problem.cure.title, language) },
  }))
}

/** Names and messages of watched systems come from anywhere: nothing in them may steer a terminal. */
const tell = (text: Text, language: Language) => plain(render(text, language))

const iso = (at: number) => new Date(at).toISOString()

const inSeconds = (ms: number) => Math.round(ms) / 1000
