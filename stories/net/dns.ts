import { count, duration, milliseconds, type Problem, say, type Text, tellSome, z } from 'healthz'
import { type Answer, askAll, plain } from './ask-resolver.ts'
import type { Question } from './options.ts'
import { step } from './step.ts'

/** Every name is answered as it should, by every resolver, and quickly. */
export const dns = step({
  title: say`every resolver answers, and says what it should`,
  on: ({ dns }) => dns.length > 0,
  limits: z.strictObject({ slow: duration('500ms') }),
  async check({ options, limits, signal, note, problem, grade, cannotTell }) {
    for (const { name, type, resolvers } of options.dns) {
      if (resolvers?.includes('system') && type !== 'A' && type !== 'AAAA')
        cannotTell(say`the resolver "system" knows addresses only: ask it for A or AAAA of ${name}`)
    }
    const answers = await Promise.all(options.dns.map((question) => askAll(question, signal)))
    const all = answers.flat()
    note(say`${all.filter(isGood).length} of ${count(all.length, 'answer')} are as they should be`)
    const slowest = all.filter(({ code }) => code === null || !silent.has(code))
    tellSome(
      [
        ...silentResolvers(all),
        ...answers.flatMap(wrongAnswers),
        ...slowest.flatMap((answer) => {
          const key = `slow ${keyOf(answer.question)} ${answer.resolver}`
          return grade(answer.took, { warning: limits.slow }, key) === null
            ? []
            : [slow(answer, key, limits.slow)]
        }),
      ],
      problem,
    )
  },
})

/** Codes that say that nobody answered. */
const silent: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED', 'EAI_AGAIN'])

const isSilent = ({ code }: Answer) => code !== null && silent.has(code)

const isGood = (answer: Answer) => answer.values !== null && isExpected(answer.values, answer.question)

function isExpected(values: readonly string[], { expect }: Question): boolean {
  if (expect === undefined) return values.length > 0
  const wanted = expect.map(plain).sort()
  return wanted.length === values.length && wanted.every((value, index) => value === values[index])
}

const keyOf = ({ type, name }: Question) => `${type} ${name}`

/** One dead resolver is one problem, however many names it was asked for; without it names may still be answered. */
function silentResolvers(all: readonly Answer[]): readonly Problem[] {
  const bySilent = Map.groupBy(all.filter(isSilent), ({ resolver }) => resolver)
  return [...bySilent].map(([resolver, unanswered]) => {
    const names = [...new Set(unanswered.map(({ question }) => question.name))]
    const isOnly = unanswered.some(({ question }) =>
      all.filter((other) => other.question === question).every(isSilent),
    )
    return {
      key: `resolver ${resolver}`,
      severity: isOnly ? 'critical' : 'warning',
      summary: say`the resolver ${resolver} does not answer for ${names.slice(0, 5)}: ${sayCode(unanswered[0])}`,
      advice: isOnly
        ? say`start the resolver, or have this host ask another one: nothing is reached by name without it`
        : say`start the resolver, or take it out of /etc/resolv.conf: each program waits for it before it asks the next`,
      evidence: { resolver, names: names.length, code: unanswered[0]?.code ?? null },
    }
  })
}

function wrongAnswers(answers: readonly Answer[]): readonly Problem[] {
  const heard = answers.filter((answer) => !isSilent(answer))
  const wrong = heard.filter((answer) => !isGood(answer))
  const [first] = wrong
  if (first === undefined) return []
  const { question } = first
  return [
    {
      key: keyOf(question),
      severity: wrong.length === heard.length ? 'critical' : 'warning',
      summary: say`${keyOf(question)} is not answered as it should: ${wrong.map((answer) => say`${answer.resolver} ${said(answer)}`)}`,
      advice: adviceOn(first),
      evidence: {
        name: question.name,
        type: question.type,
        resolvers: wrong.map(({ resolver }) => resolver).join(', '),
      },
    },
  ]
}

function said(answer: Answer): Text {
  const { values, question } = answer
  if (values === null) return sayCode(answer)
  const shown = values.slice(0, 5).map((value) => value.slice(0, 80))
  return question.expect === undefined
    ? say`gives an empty answer`
    : say`gives ${shown} (expected ${question.expect.slice(0, 5)})`
}

function sayCode(answer: Answer | undefined): Text {
  const code = answer?.code ?? ''
  return words[code] ?? say`fails with ${code}`
}

const words: Readonly<Record<string, Text>> = {
  ENOTFOUND: say`says that there is no such name (NXDOMAIN)`,
  ENODATA: say`knows the name, but no record of this type`,
  ESERVFAIL: say`fails to find it out (SERVFAIL)`,
  EREFUSED: say`refuses to answer (REFUSED)`,
  ETIMEOUT: say`no answer in time`,
  ECANCELLED: say`no answer in time`,
  EAI_AGAIN: say`no answer in time`,
  ECONNREFUSED: say`nothing listens there`,
}

function adviceOn({ code, values }: Answer): Text {
  if (values !== null)
    return say`correct the record in the zone; right after a change, wait until its TTL has passed`
  if (code === 'ESERVFAIL')
    return say`see in the log of the resolver why: the servers of the zone may be down, or its DNSSEC signatures wrong`
  if (code === 'EREFUSED') return say`allow this host to ask the resolver, or ask one that knows the zone`
  return say`create the record in the zone, or correct the name in this entry`
}

function slow({ question, resolver, took }: Answer, key: string, limit: number): Problem {
  return {
    key,
    severity: 'warning',
    summary: say`${resolver} takes ${milliseconds(took)} for ${keyOf(question)} (limit ${milliseconds(limit)})`,
    advice: say`look at the load of the resolver, and at the servers that it asks in turn`,
    evidence: { resolver, tookMs: Math.round(took), name: question.name },
  }
}
