import { descriptorUse, say, z } from 'healthz'
import { named, step } from './target.ts'

/** A process without file descriptors can open neither files nor connections. */
export const fd = step({
  title: say`enough file descriptors are left`,
  limits: z.strictObject({ warnPct: z.number().default(80), critPct: z.number().default(95) }),
  async check({ target, limits, signal, grade, note, problem, cannotTell }) {
    const used = await Promise.all(
      (await target.seen(signal)).map(async (process) => ({
        process,
        use: await descriptorUse(process.pid),
      })),
    )
    const fullest = used
      .flatMap(({ process, use }) =>
        typeof use === 'string' || use.limit === null
          ? []
          : [{ process, open: use.open, limit: use.limit, pct: (use.open / use.limit) * 100 }],
      )
      .toSorted((a, b) => b.pct - a.pct)[0]
    if (fullest !== undefined) {
      const { process, open, limit, pct } = fullest
      note(say`${open} of ${limit} file descriptors are open`)
      const severity = grade(pct, { warning: limits.warnPct, critical: limits.critPct })
      if (severity !== null) {
        problem({
          severity,
          summary: say`${named(process)} has ${open} of ${limit} file descriptors open (limit ${limits.warnPct} %)`,
          advice: say`look for a leak (ls -l /proc/${String(process.pid)}/fd) and restart it; if this is its normal load, raise its limit (LimitNOFILE, ulimit -n)`,
          evidence: { pid: process.pid, open, limit },
        })
      }
    }
    if (used.some(({ use }) => use === 'hidden'))
      cannotTell(
        say`the watchman's user may not see the file descriptors of this process: run it as root or as the same user`,
      )
  },
})
