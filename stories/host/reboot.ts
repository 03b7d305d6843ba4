import { duration, milliseconds, say, seconds, z } from 'healthz'
import { step } from './target.ts'

/** A reboot that nobody planned is worth knowing of. */
export const reboot = step({
  title: say`the host was not rebooted lately`,
  on: false,
  limits: z.strictObject({ within: duration('15m') }),
  confirm: 1,
  async check({ target, limits, problem, cannotTell }) {
    const uptime = Number((await target.read('uptime'))?.split(' ')[0])
    if (!Number.isFinite(uptime)) return cannotTell(say`/proc/uptime cannot be read`)
    if (uptime * 1000 >= limits.within) return
    problem({
      severity: 'warning',
      summary: say`this host was started ${seconds(Math.round(uptime))} ago (limit ${milliseconds(limits.within)})`,
      advice: say`if nobody rebooted it, look for the reason: last -x, and the end of the journal before it: journalctl -b -1 -e`,
      evidence: { uptimeSeconds: Math.round(uptime) },
    })
  },
})
