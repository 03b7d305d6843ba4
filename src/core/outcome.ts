import type { Text } from './text.ts'

/**
 * What came of one step: `unknown` (no permission, not in this version, the checker itself failed) is never shown
 * as ok and never as a dead target; `skipped` means that something it needs is down or that it is switched off.
 */
export type Outcome = 'ok' | 'problem' | 'unknown' | 'skipped'

export type Severity = 'warning' | 'critical'

/** A figure or a name behind a summary, kept as data for the API and the page. */
export type Evidence = Readonly<Record<string, string | number | boolean | null>>

/** A problem as a step found it. */
export interface Finding {
  /** Tells several problems of one step apart, such as a queue's name; `''` where there is just one. */
  readonly key: string
  readonly severity: Severity
  readonly summary: Text
  readonly advice: Text
  readonly evidence: Evidence
  /** How many tellings in a row it takes to believe it, where the step knows better than the policy. */
  readonly confirm?: number
  /** The wall time that names this spell of it, where several nodes may raise one and the same. */
  readonly spell?: number
  /** The cure it carries, as people are told of it. */
  readonly cure?: { readonly title: Text; readonly consent: Consent }
}

/** Whether a cure may run by itself or only after a person said so. */
export type Consent = 'auto' | 'ask'

/** One step's part of a report. Times are wall milliseconds, lengths milliseconds. */
export interface StepReport {
  readonly step: string
  readonly outcome: Outcome
  readonly at: number
  readonly took: number
  readonly notes: readonly Text[]
  readonly findings: readonly Finding[]
  /** Why the outcome is `unknown` or `skipped`. */
  readonly reason?: Text
  /** What the step wants to remember until its next telling: any JSON value. */
  readonly sample?: { readonly at: number; readonly value: unknown }
}

/** One telling of one entry: facts only. */
export interface Report {
  readonly entry: string
  readonly at: number
  readonly took: number
  readonly steps: readonly StepReport[]
}

/** `step` or `step/key`: what tells a problem apart within its entry. */
export function problemId(step: string, key: string): string {
  return key === '' ? step : `${step}/${key}`
}
