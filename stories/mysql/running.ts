import { say, seconds, type Text, z } from 'healthz'
import { isSystem, type Process, readProcesses } from './processes.ts'
import { figureOf, isStarting, numberOf, type Server, step } from './target.ts'

/** Statements do not pile up. */
export const running = step({
  title: say`statements do not pile up`,
  limits: z.strictObject({ runningMax: z.number().positive().optional() }),
  confirm: 3,
  async check(context) {
    const { target, limits, note, problem, grade } = context
    const status = await target.status('Threads_running')
    const now = figureOf(status, 'Threads_running')
    const most = limits.runningMax ?? (await likelyMost(target))
    note(say`${now} statements run at this moment (limit ${most})`)
    if (isStarting(context)) return
    const severity = grade(now, { warning: most })
    if (severity === null) return
    const oldest = oldestOf(await readProcesses(target))
    problem({
      severity,
      summary: say`${now} statements run at the same time (limit ${most})`,
      advice: adviceOn(oldest),
      evidence: {
        running: now,
        limit: most,
        ...(oldest && { oldestId: oldest.id, oldestUser: oldest.user }),
      },
    })
  },
})

/** Four statements a core, and never less than 32. Only MariaDB tells its cores, as the size of its thread pool. */
async function likelyMost(server: Server): Promise<number> {
  if (!server.isMariadb) return 32
  const [row] = await server.ask('select @@global.thread_pool_size as cores')
  return Math.max(32, 4 * (numberOf(row, 'cores') ?? 0))
}

function oldestOf(processes: readonly Process[]): Process | null {
  const statements = processes.filter(
    (process) => !isSystem(process) && (process.command === 'Query' || process.command === 'Execute'),
  )
  return statements.toSorted((a, b) => b.time - a.time)[0] ?? null
}

function adviceOn(oldest: Process | null): Text {
  if (oldest === null) return say`look for what makes them slow: a lock, a missing index, a busy disk`
  const { id, user, host, time } = oldest
  return say`look for what makes them slow: a lock, a missing index, a busy disk; the oldest is that of ${user} from ${host} (connection ${String(id)}), for ${seconds(time)}`
}
