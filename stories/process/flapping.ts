import { count, countRestarts, duration, milliseconds, type Run, say, z } from 'healthz'
import { oldestOf } from './running.ts'
import { step } from './target.ts'

/** What dies and is started again all the time looks fine at every single look. */
export const flapping = step({
  title: say`the process is not restarted again and again`,
  on: ({ pattern, pidfile }) => pattern !== undefined || pidfile !== undefined,
  limits: z.strictObject({ restarts: z.int().min(1).default(3), window: duration('10m') }),
  // Several restarts were seen already.
  confirm: 1,
  async check({ target, limits, signal, now, recall, remember, problem }) {
    const process = oldestOf(await target.seen(signal))
    // While it is down the last start stays remembered: the next one is a restart.
    if (process === undefined) return
    const before = recall<Run>()
    const run = countRestarts(
      before?.value,
      { start: `${process.pid} ${process.startTicks}`, isUp: true },
      { at: now(), gap: before === null ? 0 : now() - before.at, ...limits },
    )
    remember(run)
    const restarts = run.moves.length
    if (restarts < limits.restarts && run.streak < limits.restarts) return
    problem({
      severity: 'warning',
      summary:
        restarts >= limits.restarts
          ? say`${process.comm} was restarted ${count(restarts, 'time')} within ${milliseconds(limits.window)} (limit ${limits.restarts})`
          : say`${process.comm} was restarted before each of the last ${run.streak} looks at it (limit ${limits.restarts})`,
      advice: say`it dies some time after each start: look into its log for the reason`,
      evidence: { restarts, pid: process.pid },
    })
  },
})
