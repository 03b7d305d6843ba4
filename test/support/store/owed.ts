import { type Alarm, type AlarmKind, isEnd, type Owed } from '../../../src/core/alarm.ts'
import { emptyState, type ProblemState } from '../../../src/core/judge.ts'
import { problemId } from '../../../src/core/outcome.ts'
import type { Commit } from '../../../src/core/store.ts'
import { anAlarm, began } from '../alarms.ts'

/** An alarm of entry `cache` in plain words, told at a moment of the test's. */
export function alarm(kind: AlarmKind = 'raised', more: Partial<ProblemState> = {}, at = began): Alarm {
  return anAlarm(kind, { summary: 'memory is full', advice: 'make room', ...more, at })
}

/** A commit of entry `cache` that owes these alarms; its state holds the problems that are still raised. */
export function commitOf(owed: readonly Owed[]): Commit {
  const open = owed.filter(({ alarm }) => !isEnd(alarm))
  const problems = Object.fromEntries(
    open.map(({ alarm: { problem } }) => [problemId(problem.step, problem.key), problem]),
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
