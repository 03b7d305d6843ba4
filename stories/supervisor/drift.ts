import { duration, milliseconds, say, z } from 'healthz'
import { step } from './target.ts'

/** By program: since when its section waits, in wall milliseconds. */
type Waiting = Readonly<Record<string, number>>

/** Sections that were read again but not made effective start at the next restart, to everyone's surprise. */
export const drift = step({
  title: say`every section that supervisord has read is in effect`,
  on: false,
  limits: z.strictObject({ longest: duration('10m') }),
  confirm: 1,
  async check({ target, limits, signal, now, recall, remember, problem, cannotTell }) {
    const settings = await target.settings(signal)
    if (settings === null) return cannotTell(say`this version of supervisord does not tell its configuration`)
    const before = recall<Waiting>()?.value ?? {}
    const waiting = [...settings.values()].filter(({ isInUse }) => !isInUse).map(({ name }) => name)
    const after = Object.fromEntries(waiting.map((name) => [name, before[name] ?? now()]))
    remember(after)
    const late = waiting.filter((name) => now() - (after[name] ?? now()) > limits.longest)
    if (late.length === 0) return
    problem({
      severity: 'warning',
      summary: say`supervisord has read sections that are not in effect for more than ${milliseconds(limits.longest)}: ${late}`,
      advice: say`run supervisorctl update to load them, or take them out of the configuration`,
      evidence: { programs: late.length },
    })
  },
})
