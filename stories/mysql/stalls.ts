import { count, say, z } from 'healthz'
import { figureOf, isSameStart, isStarting, type Server, step } from './target.ts'

/** Writes do not wait for the log, and statements are not slow in numbers. */
export const stalls = step({
  title: say`writes do not wait for the log, and few statements are slow`,
  on: false,
  confirm: 3,
  limits: z.strictObject({
    logWaitsPerSec: z.number().positive().default(10),
    slowPerMin: z.number().positive().default(60),
  }),
  async check(context) {
    const { target, limits, note, problem, compare, grade } = context
    const { before, after, apart } = await compare(() => readStalls(target), isSameStart)
    const logWaits = ((after.logWaits - before.logWaits) / apart) * 1000
    const slow = ((after.slow - before.slow) / Math.max(apart, 60_000)) * 60_000
    note(
      say`${Math.round(logWaits)} waits for the log a second, ${Math.round(slow)} slow statements a minute`,
    )
    if (isStarting(context)) return

    const waiting = grade(logWaits, { warning: limits.logWaitsPerSec }, 'log')
    if (waiting !== null) {
      problem({
        key: 'log',
        severity: waiting,
        summary: say`writes wait for room in the log buffer ${Math.round(logWaits)} times a second (limit ${limits.logWaitsPerSec})`,
        advice: say`raise innodb_log_buffer_size, and look whether the disk that holds the redo log keeps up`,
        evidence: { perSecond: Math.round(logWaits) },
      })
    }
    const slowness = grade(slow, { warning: limits.slowPerMin }, 'slow')
    if (slowness !== null) {
      problem({
        key: 'slow',
        severity: slowness,
        summary: say`${count(Math.round(slow), 'statement')} a minute took longer than long_query_time (limit ${limits.slowPerMin})`,
        advice: say`read the slow query log, and look for a missing index or a busy disk`,
        evidence: { perMinute: Math.round(slow) },
      })
    }
  },
})

interface Stalls {
  readonly logWaits: number
  readonly slow: number
  readonly startedAt: number
}

async function readStalls(server: Server): Promise<Stalls> {
  const status = await server.status('Innodb_log_waits', 'Slow_queries')
  return {
    logWaits: figureOf(status, 'Innodb_log_waits'),
    slow: figureOf(status, 'Slow_queries'),
    startedAt: server.startedAt,
  }
}
