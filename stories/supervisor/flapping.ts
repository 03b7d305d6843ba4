import { count, countRestarts, duration, milliseconds, type Run, say, z } from 'healthz'
import { type Program, states } from './program.ts'
import { step } from './target.ts'

/** A program that dies after its start seconds never becomes FATAL: it looks fine at every single look. */
export const flapping = step({
  title: say`no program is restarted again and again`,
  limits: z.strictObject({
    warnRestarts: z.number().int().min(1).default(3),
    critRestarts: z.number().int().min(1).default(10),
    window: duration('10m'),
  }),
  // Several restarts were seen already.
  confirm: 1,
  async check({ target, limits, signal, now, recall, remember, problem }) {
    const before = recall<Readonly<Record<string, Run>>>()
    const after: Record<string, Run> = {}
    for (const program of await target.programs(signal)) {
      const run = countRestarts(before?.value[program.name], stateOf(program), {
        at: now(),
        gap: before === null ? 0 : now() - before.at,
        window: limits.window,
        restarts: limits.warnRestarts,
      })
      after[program.name] = run
      const restarts = run.moves.length
      if (restarts < limits.warnRestarts && run.streak < limits.warnRestarts) continue
      problem({
        key: program.name,
        severity: restarts >= limits.critRestarts ? 'critical' : 'warning',
        summary:
          restarts >= limits.warnRestarts
            ? say`${program.name} was restarted ${count(restarts, 'time')} within ${milliseconds(limits.window)} (limit ${limits.warnRestarts})`
            : say`${program.name} was restarted before each of the last ${run.streak} looks at it (limit ${limits.warnRestarts})`,
        advice: say`it dies some time after each start, so supervisord never gives it up: look into its log for the reason`,
        evidence: { program: program.name, restarts, lastStart: program.start },
      })
    }
    remember(after)
  },
})

function stateOf({ start, state }: Program): { readonly start: number; readonly isUp: boolean } {
  return { start, isUp: state === states.running || state === states.starting }
}
