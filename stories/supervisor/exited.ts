import { say, seconds, type Text } from 'healthz'
import { hasFailed, isListed, type Program, states, whyDown } from './program.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** A program in EXITED is down; a clean end is fine where nobody expects it to run. */
export const exited = step({
  title: say`no program has ended that should run`,
  cures: [{ title: say`start the program with supervisord, and watch that it stays up`, consent: 'auto' }],
  async check({ target, options, signal, problem }) {
    const ended = (await target.programs(signal)).filter(
      (program) =>
        program.state === states.exited && (hasFailed(program) || isListed(options.expectRunning, program)),
    )
    if (ended.length === 0) return
    const settings = await target.settings(signal)
    for (const program of ended) {
      const mustRun = isListed(options.expectRunning, program)
      const cure = startCure({
        supervisor: target,
        program,
        consent: 'auto',
        from: [states.exited, states.fatal],
        startSeconds: settings?.get(program.name)?.startSeconds ?? 1,
        mustRun,
      })
      problem({
        key: program.name,
        severity: 'critical',
        summary: summaryOf(program),
        advice: say`look into its log for the reason, then run: supervisorctl start ${program.name}`,
        evidence: { program: program.name, exitCode: program.exitCode, endedAt: program.stop },
        ...(!isListed(options.oneshot, program) && { resolve: cure }),
      })
    }
  },
})

function summaryOf(program: Program): Text {
  const ago = seconds(Math.max(0, program.now - program.stop))
  return say`${program.name} is down: ${whyDown(program)} ${ago} ago, and supervisord does not start it again`
}
