import { isWholeScan, type ProcessStat, say, z } from 'healthz'
import { type Host, step } from './target.ts'

/** Processes that wait for a device cannot even be killed; many at a time mean that storage hangs. */
export const dstate = step({
  title: say`no crowd of processes hangs on a device`,
  limits: z.strictObject({ tasks: z.int().default(5) }),
  // Under load a few wait at any moment.
  confirm: 3,
  async check({ target, limits, grade, problem, cannotTell }) {
    const processes = await target.processes()
    if (!isWholeScan(processes))
      return cannotTell(
        say`/proc hides the processes of other users here (hidepid): run the watchman as root or in the group that may see them`,
      )
    const waiting = processes.filter(({ state }) => state === 'D')
    const severity = grade(waiting.length, { warning: limits.tasks })
    if (severity === null) return
    const names = [...new Set(waiting.map(({ comm }) => comm))].slice(0, 5)
    problem({
      severity,
      summary: say`${waiting.length} processes hang on a device (limit ${limits.tasks}): ${names}`,
      advice: say`storage does not answer: look for disk errors (dmesg) and network file systems without their server (mount)`,
      evidence: { processes: waiting.length, waitsIn: await waitsIn(target, waiting) },
    })
  },
})

/** The kernel functions that the first few wait in; null where this user may not know. */
async function waitsIn(host: Host, waiting: readonly ProcessStat[]): Promise<string | null> {
  const names = await Promise.all(waiting.slice(0, 5).map(({ pid }) => host.read(`${pid}/wchan`)))
  const known = new Set(names.filter((name) => name !== null && name !== '' && name !== '0'))
  return known.size === 0 ? null : [...known].join(', ')
}
