import { isWholeScan, type ProcessStat, say, z } from 'healthz'
import { step } from './target.ts'

/** A parent that does not reap its children uses up the process ids. */
export const zombies = step({
  title: say`ended processes are reaped by their parents`,
  limits: z.strictObject({ zombies: z.int().default(20) }),
  // A parent may be about to reap; a few at any time are normal.
  confirm: 3,
  async check({ target, limits, grade, note, problem, cannotTell }) {
    const processes = await target.processes()
    if (!isWholeScan(processes))
      return cannotTell(
        say`/proc hides the processes of other users here (hidepid): run the watchman as root or in the group that may see them`,
      )
    const byParent = Map.groupBy(
      processes.filter(({ state }) => state === 'Z'),
      ({ parent }) => parent,
    )
    for (const [parent, children] of byParent) {
      const severity = grade(children.length, { warning: limits.zombies }, String(parent))
      if (severity === null) continue
      const name = nameOf(processes, parent)
      problem({
        key: String(parent),
        severity,
        summary: say`${name} (process ${String(parent)}) has not reaped ${children.length} ended children (limit ${limits.zombies})`,
        advice: say`restart ${name} at a quiet time, which clears them; killing the children does nothing. In a container, start it under an init such as tini`,
        evidence: { parent, program: name, zombies: children.length },
      })
    }
    const all = [...byParent.values()].reduce((sum, children) => sum + children.length, 0)
    if (all > 0) note(say`${all} ended processes wait for their parents`)
  },
})

const nameOf = (processes: readonly ProcessStat[], wanted: number) =>
  processes.find(({ pid }) => pid === wanted)?.comm ?? '?'
