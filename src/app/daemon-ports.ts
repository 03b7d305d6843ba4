import type { ObserveAll } from '../core/observer.ts'
import type { Plan } from '../core/plan.ts'
import type { Text } from '../core/text.ts'

/** What the daemon is given, and whom it tells. */
export interface DaemonPorts {
  /** Aborts when the daemon shall stop. */
  readonly signal: AbortSignal
  readonly observe: ObserveAll
  /** Called once everything runs, with where HTTP listens (null: it is off). */
  readonly started: (http: { readonly host: string; readonly port: number } | null) => void
  readonly failed: (what: string, error: unknown) => void
  /** Something that works but should not stay as it is. */
  readonly warned: (warning: { readonly summary: Text; readonly advice: Text }) => void
  readonly version: string
  /** Hands over each plan that a reload reads (null: one with faults), until disposed. */
  readonly reloads: (take: (outcome: Plan | null) => void) => Disposable
}
