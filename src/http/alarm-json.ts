import type { Outgoing } from '../core/store.ts'
import { type Language, render } from '../core/text.ts'

/** An alarm of the outbox as the API gives it: words in one language, times in ISO 8601 UTC. */
export function alarmJson(outgoing: Outgoing, language: Language) {
  const { alarm, channel, status, attempts, error, createdAt, settledAt } = outgoing
  return {
    dedupKey: alarm.dedupKey,
    occurrence: alarm.occurrence,
    kind: alarm.kind,
    channel,
    status,
    attempts,
    error,
    createdAt: new Date(createdAt).toISOString(),
    settledAt: settledAt === null ? null : new Date(settledAt).toISOString(),
    entry: alarm.entry,
    step: alarm.problem.step,
    key: alarm.problem.key,
    severity: alarm.problem.severity,
    summary: render(alarm.problem.summary, language),
    advice: render(alarm.problem.advice, language),
    affected: alarm.affected ?? [],
  }
}
