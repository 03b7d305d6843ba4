import { count, duration, milliseconds, say, z } from 'healthz'
import { activeOf, queuesOf, statsOf } from './answers.ts'
import type { Options } from './options.ts'
import { restartTitle, restartWorkers } from './programs.ts'
import { step } from './target.ts'
import { sum, waitingOf } from './waiting.ts'
import type { Broker } from './workers.ts'

/** Workers that answer also take the tasks that wait. */
export const stalled = step({
  title: say`workers that answer take tasks`,
  limits: z.strictObject({ after: duration('5m') }),
  // It has lasted for minutes, by a counter that misses nothing.
  confirm: 1,
  cures: [{ title: restartTitle, consent: 'ask' }],
  async check({ target, options, limits, signal, now, recall, remember, note, problem }) {
    const seen = await look(target, options, signal)
    const before = recall<Idle>()?.value ?? null
    const isIdle = seen.workers > 0 && seen.waiting > 0 && seen.active === 0
    const since = isIdle && before !== null && before.total === seen.total ? before.since : now()
    remember(isIdle ? ({ since, total: seen.total } satisfies Idle) : null)
    if (seen.workers === 0) note(say`no worker answers`)
    const age = now() - since
    if (!isIdle || age < limits.after) return
    problem({
      severity: 'critical',
      summary: say`no task was begun for ${milliseconds(age)} (limit ${milliseconds(limits.after)}), with ${count(seen.waiting, 'task')} waiting and ${count(seen.workers, 'worker')} answering`,
      advice: say`restart the workers one after the other; if it comes again, upgrade Celery and its client of the broker`,
      evidence: { waiting: seen.waiting, workers: seen.workers, begun: seen.total, since },
      ...restartWorkers(options, async (within) => {
        const fresh = await look(target, options, within)
        return fresh.waiting > 0 && fresh.active === 0 && fresh.total === seen.total
      }),
    })
  },
})

interface Idle {
  readonly since: number
  readonly total: number
}

/** What waits where a worker that answers should take it: what nobody takes is told by the step `uncovered`. */
async function look(target: Broker, options: Options, signal: AbortSignal) {
  const [stats, active, queues, waiting] = await Promise.all([
    target.ask('stats', signal),
    target.ask('active', signal),
    target.ask('active_queues', signal),
    waitingOf(target, options),
  ])
  const taken = new Set([...queuesOf(queues).values()].flat())
  return {
    workers: stats.replies.size,
    total: sum([...statsOf(stats).values()].map(({ total }) => total)),
    active: [...activeOf(active).values()].flat().length,
    waiting: sum([...waiting].flatMap(([name, tasks]) => (taken.has(name) ? tasks : []))),
  }
}
