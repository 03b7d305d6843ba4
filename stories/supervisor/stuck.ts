import { duration, milliseconds, say, z } from 'healthz'
import { type Program, states } from './program.ts'
import { step } from './target.ts'

/** By program: since when it is seen stopping, in wall milliseconds. */
type Stopping = Readonly<Record<string, number>>

/** A program that does not end even when killed, or that supervisord lost track of, cannot be restarted. */
export const stuck = step({
  title: say`no program hangs while it is stopped`,
  limits: z.strictObject({ beyond: duration('30s') }),
  async check({ target, limits, signal, now, recall, remember, problem }) {
    const programs = await target.programs(signal)
    const isSlow = programs.some(({ state }) => state === states.stopping)
    const settings = isSlow ? await target.settings(signal) : null
    const before = recall<Stopping>()?.value ?? {}
    const after: Record<string, number> = {}
    for (const program of programs) {
      if (program.state === states.unknown) problem(lostTrack(program))
      if (program.state !== states.stopping) continue
      const since = before[program.name] ?? now()
      after[program.name] = since
      const limit = (settings?.get(program.name)?.stopSeconds ?? 10) * 1000 + limits.beyond
      if (now() - since <= limit) continue
      problem({
        key: program.name,
        severity: 'warning',
        summary: say`${program.name} has been stopping for ${milliseconds(now() - since)} (limit ${milliseconds(limit)})`,
        advice: say`supervisord's kill did not end process ${String(program.pid)}: look whether it waits for a disk (state D in ps), and end it by hand`,
        evidence: { program: program.name, pid: program.pid },
        confirm: 1,
      })
    }
    remember(after)
  },
})

const lostTrack = ({ name, pid }: Program) => ({
  key: name,
  severity: 'critical' as const,
  summary: say`supervisord has lost track of ${name}: its state is unknown`,
  advice: say`look with ps whether it runs; end it by hand, then restart supervisord, which cannot start it in this state`,
  evidence: { program: name, pid },
})
