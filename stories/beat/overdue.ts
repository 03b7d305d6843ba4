import { count, duration, milliseconds, say, z } from 'healthz'
import { isRedbeat, type Options } from './options.ts'
import { enabledOf, mostRead, type Schedule } from './schedule.ts'
import { startBeat, startTitle } from './start-beat.ts'
import { step, storeOf } from './target.ts'

/** What is due is sent. */
export const overdue = step({
  title: say`periodic tasks run when they are due`,
  on: isRedbeat,
  confirm: 2,
  cures: [{ title: startTitle, consent: 'auto' }],
  limits: z.strictObject({
    after: duration()
      .meta({ description: 'left out: 30 s more than maxInterval, but at least a minute' })
      .optional(),
  }),
  async check({ target, options, limits, note, problem }) {
    const store = storeOf(target)
    const schedule = await store.schedule()
    const most = limits.after ?? patienceOf(options)
    const late = lateOf(schedule, most)
    note(say`${count(schedule.size, 'entry', 'entries')} in the schedule`)
    if (schedule.size > mostRead) note(say`only the ${mostRead} that are due first are looked at`)
    const [first] = late
    if (first === undefined) return
    const age = schedule.now - first.due
    problem({
      severity: 'critical',
      summary: say`${count(late.length, 'periodic task')} did not run when due: ${first.definition.name} is ${milliseconds(age)} late (limit ${milliseconds(most)})`,
      advice: say`start beat if it is down; if it runs, see in its log whether it hangs or does not reach its broker`,
      evidence: {
        late: late.length,
        first: first.definition.name,
        task: first.definition.task,
        lateSeconds: Math.round(age / 1000),
      },
      ...startBeat(options, async () => lateOf(await store.schedule(), most).length > 0),
    })
  },
})

/** Beat sleeps so long at most before it sees a new entry. */
export const patienceOf = ({ maxInterval }: Pick<Options, 'maxInterval'>) =>
  Math.max(60_000, maxInterval + 30_000)

/** An entry that is switched off keeps its last due time for ever. */
export const lateOf = (schedule: Schedule, most: number) =>
  enabledOf(schedule).filter(({ due }) => schedule.now - due > most)
