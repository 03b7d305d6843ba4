import { type Problem, parseJson, say, tellSome, z } from 'healthz'
import { cureOf, step, usualAdvice, verdictOf } from './target.ts'

/** The document that the program prints names no problem. */
export const json = step({
  title: say`the command names no problem`,
  on: ({ output }) => output === 'json',
  cures: [{ title: say`run the configured command`, consent: 'ask' }],
  async check({ target, options, signal, problem, cannotTell }) {
    const ended = await target.run(signal)
    const verdict = verdictOf(target, options, ended)
    if (verdict === 'unknown') cannotTell(say`${target.name} cannot tell (exit status ${String(ended.code)})`)
    if (ended.isTruncated) cannotTell(say`${target.name} prints more than is read`)
    const problems = report.safeParse(parseJson(ended.stdout)).data?.problems
    if (problems === undefined)
      return cannotTell(
        say`${target.name} does not print {"problems": [{"severity", "message", "solution"}]}`,
      )
    if (problems.length === 0 && verdict !== 'ok')
      cannotTell(say`${target.name} ended with exit status ${String(ended.code)}, but names no problem`)
    const found = problems.map(
      ({ key, severity, message, solution }, index): Problem => ({
        key: key ?? (problems.length === 1 ? '' : String(index + 1)),
        severity,
        summary: message.slice(0, 300),
        advice: solution?.slice(0, 500) ?? options.advice ?? usualAdvice,
        evidence: { exitStatus: ended.code },
        ...cureOf(target, options),
      }),
    )
    tellSome(found, problem)
  },
})

const report = z.looseObject({
  problems: z.array(
    z.looseObject({
      key: z.string().min(1).max(100).optional(),
      severity: z.enum(['warning', 'critical']),
      message: z.string().min(1),
      solution: z.string().min(1).optional(),
    }),
  ),
})
