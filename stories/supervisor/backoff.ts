import { say } from 'healthz'
import { lastWords } from './last-words.ts'
import { states, whyDown } from './program.ts'
import { step } from './target.ts'

/** By program: when its start under way began, and whether an earlier one is known to have failed. */
type Starts = Readonly<Record<string, { readonly start: number; readonly failed: boolean }>>

/** A program that fails to start is in BACKOFF and STARTING in turn, until it runs or becomes FATAL. */
export const backoff = step({
  title: say`no program fails to start`,
  async check({ target, signal, recall, remember, problem }) {
    const programs = await target.programs(signal)
    const before = recall<Starts>()?.value ?? {}
    const now: Record<string, Starts[string]> = {}
    for (const program of programs) {
      const { name, state, start } = program
      if (state !== states.backoff && state !== states.starting) continue
      const earlier = before[name]
      const failed = state === states.backoff || earlier?.failed === true || isAnother(earlier, start)
      now[name] = { start, failed }
      if (!failed) continue
      const words = await lastWords(target, name, signal)
      problem({
        key: name,
        severity: 'warning',
        summary: say`${name} fails to start and is tried again, because ${whyDown(program)}`,
        advice:
          words === null
            ? say`look into its log before supervisord gives it up`
            : say`mend what it complains about before supervisord gives it up; the last line of its log is: ${words}`,
        evidence: { program: name, reason: program.fault, lastLine: words },
      })
    }
    remember(now)
  },
})

const isAnother = (earlier: Starts[string] | undefined, start: number) =>
  earlier !== undefined && earlier.start !== start
