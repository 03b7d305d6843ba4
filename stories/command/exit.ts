import { say } from 'healthz'
import { wordsOf } from './perfdata.ts'
import { cureOf, step, usualAdvice, verdictOf } from './target.ts'

/** The program ends with an exit status that says that all is well. */
export const exit = step({
  title: say`the command finds nothing wrong`,
  on: ({ output }) => output === 'text',
  cures: [{ title: say`run the configured command`, consent: 'ask' }],
  async check({ target, options, signal, note, problem, cannotTell }) {
    const ended = await target.run(signal)
    const verdict = verdictOf(target, options, ended)
    const { line, more } = wordsOf(ended.stdout.trim() === '' ? ended.stderr.trimStart() : ended.stdout)
    const said = line.slice(0, 300)
    const told = said === '' ? say`${target.name} says nothing` : say`${target.name} says: ${said}`
    if (verdict === 'unknown') return cannotTell(told)
    note(told)
    if (verdict === 'ok') return
    problem({
      severity: verdict,
      summary: told,
      advice: options.advice ?? usualAdvice,
      evidence: { exitStatus: ended.code, more: more.slice(0, 2000) },
      ...cureOf(target, options),
    })
  },
})
