import { unlink } from 'node:fs/promises'
import { type Cure, DidNotHelp, type ProcessStat, readProcess, say, startedAt, type Text } from 'healthz'
import { findMatches } from './match.ts'
import { readPidfile } from './read-pidfile.ts'
import { named, step } from './target.ts'

/** The pidfile names the process that it should. */
export const pidfile = step({
  title: say`the pidfile names a living process of the right kind`,
  on: (options) => options.pidfile !== undefined,
  cures: [{ title: say`remove a pidfile whose process has ended`, consent: 'ask' }],
  async check({ options, problem, note }) {
    const path = options.pidfile ?? ''
    const file = await readPidfile(path)
    const running = options.pattern === undefined ? null : await findMatches(options.pattern, options.user)
    if (file === null) {
      // That nothing runs is told by the step `running`.
      if (running?.length === 0) return note(say`there is no pidfile`)
      const severity = running === null ? 'critical' : 'warning'
      return problem({ severity, ...absent(path, running) })
    }
    const found = file.pid === null ? null : readProcess(file.pid)
    if (found === null || found.state === 'Z') {
      return problem({
        severity: 'critical',
        summary:
          file.pid === null
            ? say`${path} holds no process id`
            : say`${path} names process ${String(file.pid)}, which has ended`,
        advice: say`remove the file if nothing runs, then start the program: its start script may refuse to, or end a stranger`,
        evidence: { path, pid: file.pid },
        ...(file.pid !== null && { resolve: removeCure(path, file.pid) }),
      })
    }
    if (!(await isStranger(found, file.writtenAt, running))) return
    problem({
      severity: 'critical',
      summary: say`${path} names ${named(found)}, which is another program`,
      advice: say`do not use its stop script, which would end a stranger: remove the file, then start the program`,
      evidence: { path, pid: found.pid },
    })
  },
})

function absent(path: string, running: readonly ProcessStat[] | null): { summary: Text; advice: Text } {
  if (running === null) {
    return {
      summary: say`there is no pidfile ${path}`,
      advice: say`the program has ended, or writes its pidfile elsewhere: start it, or correct the path`,
    }
  }
  return {
    summary: say`the program runs, but there is no pidfile ${path}`,
    advice: say`its stop script cannot find it: restart the program at a quiet time, or correct the path`,
  }
}

/**
 * A process matched by its pattern is the right one. Without a pattern the times must tell: whoever wrote the file
 * was running by then. Five seconds are left for a coarse clock.
 */
async function isStranger(
  found: ProcessStat,
  writtenAt: number,
  matches: readonly ProcessStat[] | null,
): Promise<boolean> {
  if (matches !== null) return !matches.some(({ pid }) => pid === found.pid)
  return (await startedAt(found)) > writtenAt + 5000
}

function removeCure(path: string, pid: number): Cure {
  return {
    title: say`remove the stale pidfile ${path}`,
    consent: 'ask',
    target: path,
    async run() {
      const file = await readPidfile(path)
      if (file === null) return
      const found = readProcess(pid)
      if (file.pid !== pid || (found !== null && found.state !== 'Z'))
        throw new DidNotHelp(say`the file names a living process by now, so it was left alone`)
      await unlink(path)
    },
  }
}
