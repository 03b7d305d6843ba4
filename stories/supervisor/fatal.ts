import { say, type Text } from 'healthz'
import { lastWords } from './last-words.ts'
import { isHopeless, isListed, type Program, states, whyDown } from './program.ts'
import { startCure } from './start.ts'
import { step } from './target.ts'

/** A program in FATAL stays down until somebody starts it. */
export const fatal = step({
  title: say`supervisord has given up no program`,
  // FATAL is final: supervisord never leaves it by itself.
  confirm: 1,
  cures: [{ title: say`start the program with supervisord, and watch that it stays up`, consent: 'auto' }],
  async check({ target, options, signal, problem }) {
    const given = (await target.programs(signal)).filter(({ state }) => state === states.fatal)
    if (given.length === 0) return
    const settings = await target.settings(signal)
    for (const program of given) {
      const words = await lastWords(target, program.name, signal)
      const cure = startCure({
        supervisor: target,
        program,
        consent: 'auto',
        from: [states.fatal, states.exited],
        startSeconds: settings?.get(program.name)?.startSeconds ?? 1,
        mustRun: !isListed(options.oneshot, program),
      })
      problem({
        key: program.name,
        severity: 'critical',
        summary: say`${program.name} is down: supervisord gave up starting it, because ${whyDown(program)}`,
        advice: adviceFor(program, words),
        evidence: { program: program.name, reason: program.fault, lastLine: words },
        ...(!isHopeless(program) && !isListed(options.oneshot, program) && { resolve: cure }),
      })
    }
  },
})

function adviceFor(program: Program, words: string | null): Text {
  const { name } = program
  if (isHopeless(program)) return say`install or correct its command, then run: supervisorctl start ${name}`
  if (words === null) return say`look into its log for the reason, then run: supervisorctl start ${name}`
  return say`mend what it complains about, then run: supervisorctl start ${name}; the last line of its log is: ${words}`
}
