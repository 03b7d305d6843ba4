import { type Alarm, alarmOf, type Owed } from '../../src/core/alarm.ts'
import { emptyState, type ProblemState, type TransitionKind } from '../../src/core/judge.ts'
import type { Commit } from '../../src/core/store.ts'

/** A raised problem for tests of what comes after the judge. */
export function problemState(more: Partial<ProblemState> = {}): ProblemState {
  const at = more.raisedAt ?? Date.parse('2026-11-20T03:00:00Z')
  return {
    step: 'memory',
    key: '',
    phase: 'raised',
    severity: 'critical',
    summary: 'memory is full',
    advice: 'make room',
    evidence: {},
    since: at,
    raisedAt: at,
    seenAt: at,
    bad: 2,
    good: 0,
    goodSince: null,
    toldAt: at,
    flapping: false,
    tried: [],
    cure: null,
    ...more,
  }
}

/** An alarm of entry `cache`. */
export function alarm(kind: TransitionKind = 'raised', more: Partial<ProblemState> = {}, at?: number): Alarm {
  const problem = problemState(more)
  return alarmOf(
    { name: 'cache', kind: 'redis', title: 'Redis', tags: [] },
    { kind, at: at ?? problem.since, problem },
  )
}

/** A commit of entry `cache` that owes these alarms; its state holds the problems that are still raised. */
export function commitOf(owed: readonly Owed[]): Commit {
  const open = owed.filter(({ alarm: { kind } }) => kind !== 'recovered' && kind !== 'withdrawn')
  const problems = Object.fromEntries(
    open.map(({ alarm: { problem } }) => [`${problem.step}/${problem.key}`, problem]),
  )
  return {
    record: {
      name: 'cache',
      kind: 'redis',
      title: 'Redis',
      at: 1,
      took: 1,
      state: { ...emptyState, problems },
      samples: { memory: { at: 1, value: { used: 3 } } },
    },
    happenings: [{ at: 1, entry: 'cache', problem: 'memory', kind: 'raised', text: 'memory is full' }],
    owed,
  }
}
