import { ConnectionFailure, duration, milliseconds, say, seconds, z } from 'healthz'
import { isStarting, type Server, step } from './target.ts'

/** The server answers, and soon. That it cannot be reached at all is told when the story is opened. */
export const connect = step({
  title: say`the server answers quickly`,
  limits: z.strictObject({ ping: duration('500ms') }),
  async check(context) {
    const { target, limits, note, problem, grade } = context
    const took = await medianPing(target)
    if (took instanceof ConnectionFailure) {
      const { kind, address, severity, summary, advice } = took
      return problem({ severity, summary, advice, evidence: { kind, address } })
    }
    note(
      say`${target.hostname} (${target.version}), up for ${seconds(target.uptime)}, answers in ${milliseconds(took)}`,
    )
    if (isStarting(context)) return
    const severity = grade(took, { warning: limits.ping }, 'slow')
    if (severity === null) return
    problem({
      key: 'slow',
      severity,
      summary: say`the simplest question takes ${milliseconds(took)} (limit ${milliseconds(limits.ping)})`,
      advice: say`look at the load of the server's host (CPU, swap, disk) and at the network on the way`,
      evidence: { pingMs: Math.round(took), limitMs: limits.ping },
    })
  },
})

/**
 * Milliseconds that the simplest question takes; the median of a few, so that one hiccup does not count. A failure
 * where the server has let us in and hangs, or is gone, since.
 */
async function medianPing(server: Server): Promise<number | ConnectionFailure> {
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const start = performance.now()
    try {
      await server.ask('select 1')
    } catch (error) {
      if (error instanceof ConnectionFailure) return error
      throw error
    }
    times.push(performance.now() - start)
  }
  return times.toSorted((a, b) => a - b)[1] ?? 0
}
