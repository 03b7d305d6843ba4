import {
  bytes,
  count,
  duration,
  type MemoryGroup,
  memoryGroupOf,
  memoryUse,
  milliseconds,
  type ProcessStat,
  percent,
  say,
  z,
} from 'healthz'
import { type Growth, growthOf, growthPerHour } from './growth.ts'
import { isSelf, named, step } from './target.ts'
import { restartUnit } from './unit-cures.ts'

interface Sample {
  readonly growth: Growth
  readonly kills: Kills | null
}

/** How many processes of the group the kernel has killed, and when the count last rose. */
interface Kills {
  readonly count: number
  readonly roseAt: number | null
}

/** A process that outgrows its memory is killed by the kernel without a word. */
export const memory = step({
  title: say`the process stays within its memory`,
  on: isSelf,
  limits: z.strictObject({
    rssMiB: z
      .number()
      .positive()
      .optional()
      .describe('memory that one process may use, swap included; left out: any'),
    groupPct: z.number().default(90).describe('of the limit of its control group'),
    killsWithin: duration('15m').describe('how long a kill in the control group stays a problem'),
  }),
  confirm: 3,
  cures: [{ title: say`restart the unit that the entry names`, consent: 'ask' }],
  async check({ target, options, limits, signal, now, recall, remember, grade, note, problem }) {
    const largest = await largestOf(await target.seen(signal))
    if (largest === null) return
    const { process, used } = largest
    const group = await memoryGroupOf(process.pid)
    const before = recall<Sample>()?.value
    const growth = growthOf(before?.growth, process, used, now())
    const kills = killsAfter(before?.kills, group, now())
    remember({ growth, kills } satisfies Sample)
    note(say`${named(process)} uses ${bytes(used)}`)

    const cure =
      options.unit === undefined ? {} : { resolve: restartUnit(target.systemd, options.unit, 30_000) }
    const most = limits.rssMiB === undefined ? undefined : limits.rssMiB * 1_048_576
    const rss = grade(used, { warning: most }, 'rss')
    if (rss !== null) {
      const hourly = growthPerHour(growth, used, now())
      const limit = say`limit ${bytes(most ?? 0)}`
      problem({
        key: 'rss',
        severity: rss,
        summary: say`${named(process)} uses ${bytes(used)} of memory (${hourly === null ? limit : say`${limit}, ${bytes(hourly)} more each hour`})`,
        advice: say`if it grows without end it leaks: restart it at a quiet time, and tell its makers`,
        evidence: { pid: process.pid, bytes: used, bytesPerHour: hourly },
        ...cure,
      })
    }
    if (group === null) return
    const pct = (group.used / group.limit) * 100
    const full = grade(pct, { warning: limits.groupPct }, 'group')
    if (full !== null) {
      problem({
        key: 'group',
        severity: full,
        summary: say`the memory group of ${named(process)} is ${percent(pct)} full (${bytes(group.used)} of ${bytes(group.limit)}, limit ${limits.groupPct} %)`,
        advice: say`at 100 % the kernel kills one of its processes: raise the limit (MemoryMax, the container's limit), or find what grows`,
        evidence: { pid: process.pid, bytes: group.used, limit: group.limit },
        ...cure,
      })
    }
    if (kills?.roseAt == null || now() - kills.roseAt > limits.killsWithin) return
    problem({
      key: 'killed',
      severity: 'critical',
      confirm: 1,
      summary: say`the kernel has killed a process in the memory group of ${named(process)} for lack of memory (${count(kills.count, 'kill')} in all, the last seen ${milliseconds(now() - kills.roseAt)} ago)`,
      advice: say`raise the limit (MemoryMax, the container's limit), or find what grows; the kernel's log (dmesg) names the victim`,
      evidence: { pid: process.pid, kills: kills.count },
    })
  },
})

async function largestOf(processes: readonly ProcessStat[]) {
  const sizes = await Promise.all(
    processes.map(async (process) => ({ process, use: await memoryUse(process.pid) })),
  )
  const known = sizes.flatMap(({ process, use }) =>
    use === null ? [] : [{ process, used: use.resident + use.swapped }],
  )
  return known.toSorted((a, b) => b.used - a.used)[0] ?? null
}

function killsAfter(before: Kills | null | undefined, group: MemoryGroup | null, at: number): Kills | null {
  const kills = group?.oomKills
  if (kills == null) return null
  if (before == null || kills < before.count) return { count: kills, roseAt: null }
  return { count: kills, roseAt: kills > before.count ? at : before.roseAt }
}
