import { count, say } from 'healthz'
import { isRedbeat, scheduleKey } from './options.ts'
import { sizeOf } from './schedule.ts'
import { step, storeOf } from './target.ts'

/** The largest number of entries in each of the last hours, by the hour. */
type Seen = Readonly<Record<string, number>>

/** The schedule is all there. */
export const shrunk = step({
  title: say`the schedule is complete`,
  on: isRedbeat,
  async check({ target, options, now, recall, remember, note, problem, cannotTell }) {
    const size = await sizeOf(storeOf(target).call, options)
    const before = recall<Seen>()?.value ?? {}
    const hour = Math.floor(now() / 3_600_000)
    const kept = Object.entries(before).filter(([at]) => hour - Number(at) < hours)
    remember({ ...Object.fromEntries(kept), [hour]: Math.max(size, before[hour] ?? 0) } satisfies Seen)
    const most = Math.max(0, ...kept.map(([, seen]) => seen))
    const { expectEntries = 0 } = options
    if (size === 0 && most === 0 && expectEntries === 0)
      cannotTell(say`there is no schedule under ${scheduleKey(options)}`)
    note(say`${count(size, 'entry', 'entries')}, ${most} at most within a day`)
    const isHalved = size < most / 2
    if (!isHalved && size >= expectEntries) return
    problem({
      severity: 'critical',
      summary:
        size < expectEntries
          ? say`the schedule has ${count(size, 'entry', 'entries')} (expected ${expectEntries})`
          : say`the schedule has ${count(size, 'entry', 'entries')} left of ${most} within a day`,
      advice: say`see whether somebody flushed the Redis, or it evicts keys; a restart of beat brings back what stands in the settings, the rest has to be saved again`,
      evidence: { entries: size, most, expected: expectEntries },
    })
  },
})

const hours = 24
