import { duration, milliseconds, say, z } from 'healthz'
import { isRedbeat } from './options.ts'
import { lateOf, patienceOf } from './overdue.ts'
import { enabledOf, type Schedule } from './schedule.ts'
import { step, storeOf } from './target.ts'

/** The tasks that come often do run. What is overdue is told by another step; this one is about a beat that is never late. */
export const progress = step({
  title: say`periodic tasks are sent`,
  on: isRedbeat,
  limits: z.strictObject({ least: duration('10m') }),
  async check({ target, options, limits, now, recall, remember, note, problem }) {
    const schedule = await storeOf(target).schedule()
    const frequent = frequentOf(schedule)
    const since = recall<number>()?.value ?? now()
    if (frequent.length === 0) {
      remember(now())
      note(say`no entry runs more often than once a day`)
      return
    }
    const shortest = Math.min(...frequent.map(({ every }) => every))
    const most = Math.max(limits.least, 2 * shortest)
    // Of entries that never ran it is only known how long they have been watched.
    const newest = Math.max(...frequent.map(({ lastRun }) => lastRun ?? 0))
    const age = newest === 0 ? now() - since : schedule.now - newest
    remember(newest === 0 ? since : now())
    note(say`the last of the frequent tasks ran ${milliseconds(Math.max(0, age))} ago`)
    if (age <= most || lateOf(schedule, patienceOf(options)).length > 0) return
    problem({
      severity: 'critical',
      summary: say`none of ${frequent.length} frequent tasks was sent for ${milliseconds(age)} (limit ${milliseconds(most)}), although the schedule goes on`,
      advice: say`see in the log of beat whether it starts again and again, and whether it reaches its broker`,
      evidence: {
        frequent: frequent.length,
        shortestSeconds: shortest / 1000,
        ageSeconds: Math.round(age / 1000),
      },
    })
  },
})

const day = 86_400_000

function frequentOf(schedule: Schedule) {
  return enabledOf(schedule).flatMap(({ lastRun, definition: { every } }) =>
    every !== null && every * 1000 < day ? { lastRun, every: every * 1000 } : [],
  )
}
