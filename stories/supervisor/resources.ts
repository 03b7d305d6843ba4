import { bytes, CannotTell, descriptorUse, memoryUse, readProcess, say, z } from 'healthz'
import { states } from './program.ts'
import { type Supervisor, step } from './target.ts'

/** Leaks show long before a program dies of them. */
export const resources = step({
  title: say`no program is about to run out of file descriptors or memory`,
  on: (options) => options.resources,
  limits: z.strictObject({
    warnFdPct: z.number().default(80),
    critFdPct: z.number().default(95),
    rssMiB: z
      .number()
      .positive()
      .optional()
      .describe('memory that a program may use, swap included; left out: any'),
  }),
  async check({ target, limits, signal, problem, grade, cannotTell }) {
    const programs = await target.programs(signal)
    const running = programs.filter(({ state, pid }) => state === states.running && pid > 0)
    if (running.length === 0) return
    await mustBeLocal(target, running[0]?.pid ?? 0, signal)
    let hidden = 0
    for (const { name, pid } of running) {
      const descriptors = await descriptorUse(pid)
      if (descriptors === 'hidden') hidden += 1
      if (typeof descriptors === 'object' && descriptors.limit !== null) {
        const { open, limit } = descriptors
        const severity = grade(
          (open / limit) * 100,
          { warning: limits.warnFdPct, critical: limits.critFdPct },
          `${name} fd`,
        )
        if (severity !== null) {
          problem({
            key: `${name} fd`,
            severity,
            summary: say`${name} has ${open} of ${limit} file descriptors open (limit ${limits.warnFdPct} %)`,
            advice: say`look for a leak (ls -l /proc/${String(pid)}/fd), and restart the program; if this is its normal load, raise minfds of supervisord`,
            evidence: { program: name, pid, open, limit },
          })
        }
      }
      if (limits.rssMiB === undefined) continue
      const memory = await memoryUse(pid)
      if (memory === null) continue
      const [used, most] = [memory.resident + memory.swapped, limits.rssMiB * 1_048_576]
      const severity = grade(used, { warning: most }, `${name} memory`)
      if (severity === null) continue
      problem({
        key: `${name} memory`,
        severity,
        summary: say`${name} uses ${bytes(used)} of memory (limit ${bytes(most)})`,
        advice: say`if it grows without end it leaks: restart it at a quiet time, and tell its makers`,
        evidence: { program: name, pid, bytes: used },
      })
    }
    if (hidden > 0) {
      cannotTell(
        say`the watchman's user may not see the file descriptors of ${hidden} of ${running.length} programs: run it as root or as their user`,
      )
    }
  },
})

/** A process id from another host or container would be somebody else's here. */
async function mustBeLocal(supervisor: Supervisor, child: number, signal: AbortSignal): Promise<void> {
  const own = Number(await supervisor.call('getPID', [], signal))
  if (readProcess(child)?.parent === own) return
  throw new CannotTell(say`supervisord does not run on this host, so its processes cannot be looked at`)
}
