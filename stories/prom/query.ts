import { CannotTell, isPast, type Limit, type Problem, type StepContext, say, tellSome } from 'healthz'
import { Refused } from './api.ts'
import type { Options, Rule } from './options.ts'
import { type Prometheus, step } from './target.ts'
import { type Series, seriesOf, written } from './values.ts'

type Context = StepContext<Prometheus, Options>

/** What is asked in PromQL is within its limits. */
export const query = step({
  title: say`what is asked in PromQL is within its limits`,
  on: ({ queries }) => queries.length > 0,
  async check(context) {
    const { options, problem } = context
    const untold: CannotTell['reason'][] = []
    await Promise.all(
      options.queries.map(async (rule) => {
        try {
          const found = await judge(rule, context)
          tellSome(
            found,
            (one) => problem({ ...one, key: one.key === 'more' ? `${rule.name} more` : (one.key ?? '') }),
            10,
          )
        } catch (error) {
          if (!(error instanceof CannotTell)) throw error
          untold.push(say`${rule.name}: ${error.reason}`)
        }
      }),
    )
    if (untold.length > 0) throw new CannotTell(say`${untold}`)
  },
})

async function judge(rule: Rule, context: Context): Promise<readonly Problem[]> {
  const { target, signal } = context
  try {
    const result = await target.query(rule.query, signal)
    const found = seriesOf(result)
    if (found === null)
      return [wrong(rule, context, say`it gives a ${result.resultType}, which has no single values`)]
    if (hasLimits(rule)) return judgeValues(rule, found, context)
    if (result.resultType === 'scalar')
      return [wrong(rule, context, say`it gives a number, which is always there; give it "warn" or "crit"`)]
    return found.map((series) => row(rule, series, context))
  } catch (error) {
    if (error instanceof Refused && error.type === 'bad_data') return [wrong(rule, context, error.words)]
    throw error
  }
}

const hasLimits = ({ warn, crit }: Rule) => warn !== undefined || crit !== undefined

/** The configuration is wrong, which no waiting mends. */
function wrong(rule: Rule, { target }: Context, why: CannotTell['reason']): Problem {
  return {
    key: rule.name,
    severity: 'warning',
    confirm: 1,
    summary: say`the query of ${rule.name} cannot be judged: ${why}`,
    advice: say`correct it in this entry`,
    evidence: { link: target.link(rule.query) },
  }
}

function row(rule: Rule, { labels, value }: Series, { target }: Context): Problem {
  const { name, severity, confirm } = rule
  const where = written(labels)
  return {
    key: keyOf(rule, where),
    severity,
    ...(confirm !== undefined && { confirm }),
    summary:
      where === '' ? say`${name}: the value is ${String(value)}` : say`${name}: ${where} is ${String(value)}`,
    advice: adviceOf(rule),
    evidence: { value: String(value), link: target.link(rule.query) },
  }
}

function judgeValues(rule: Rule, found: readonly Series[], context: Context): readonly Problem[] {
  const { target, note } = context
  if (found.length === 0 && rule.noData === 'unknown') throw new CannotTell(say`there is no such series`)
  if (found.length === 0) {
    if (rule.noData === 'ok') return []
    const summary = say`${rule.name}: there is no such series`
    const advice = say`see whether what should give these figures runs and is scraped`
    return [
      { key: rule.name, severity: 'warning', summary, advice, evidence: { link: target.link(rule.query) } },
    ]
  }
  const isNumber = ({ value }: Series) => !Number.isNaN(value)
  const [first] = found.filter(isNumber)
  if (first === undefined || !found.every(isNumber))
    throw new CannotTell(say`a value is no number (NaN), as after a division by 0`)
  note(say`${rule.name} is ${String(first.value)}`)
  return found.flatMap((series) => beyond(rule, series, context) ?? [])
}

function beyond(rule: Rule, { labels, value }: Series, { target, grade }: Context): Problem | null {
  const { name, warn, crit, confirm } = rule
  const where = written(labels)
  const key = keyOf(rule, where)
  const isOver = (limit: Limit | undefined, severity: 'warning' | 'critical'): limit is Limit =>
    limit !== undefined && isPast(value, limit, severity, key, grade)
  const told = (limit: Limit, severity: 'warning' | 'critical'): Problem => ({
    key,
    severity,
    ...(confirm !== undefined && { confirm }),
    summary: say`${where === '' ? name : say`${name}: ${where}`} is ${String(value)} (limit ${limit.operator} ${String(limit.value)})`,
    advice: adviceOf(rule),
    evidence: {
      value: String(value),
      limit: `${limit.operator} ${limit.value}`,
      link: target.link(rule.query),
    },
  })
  if (isOver(crit, 'critical')) return told(crit, 'critical')
  if (isOver(warn, 'warning')) return told(warn, 'warning')
  return null
}

const keyOf = ({ name }: Rule, where: string) => (where === '' ? name : `${name} ${where}`)

const adviceOf = ({ advice }: Rule) =>
  advice ?? say`look at what this query counts; its link stands in the evidence`
