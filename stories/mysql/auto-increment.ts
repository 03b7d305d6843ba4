import { count, milliseconds, percent, say, type Text, z } from 'healthz'
import { type Counter, type Counters, readCounters, usedOf } from './counters.ts'
import { type Hourly, hourly } from './hourly.ts'
import { step } from './target.ts'

/** No table is about to run out of automatic numbers. */
export const autoIncrement = step({
  title: say`no table runs out of automatic numbers`,
  confirm: 1,
  limits: z.strictObject({
    warnPct: z.number().positive().default(70),
    critPct: z.number().positive().default(90),
  }),
  async check(context) {
    const { target, limits, note, problem, grade } = context
    const told = await hourly(
      context,
      () => readCounters(target),
      ({ fullest }) => fullest.every((counter) => usedOf(counter) <= limits.warnPct),
    )
    const { tables, databases, fullest } = told.answer
    note(say`${count(tables, 'table')} in ${count(databases, 'database')} may be seen`)
    const [first] = fullest
    if (first) note(say`the fullest is ${first.table} with ${percent(usedOf(first))}`)

    for (const counter of fullest) {
      const used = usedOf(counter)
      const severity = grade(used, { warning: limits.warnPct, critical: limits.critPct }, counter.table)
      if (severity === null) continue
      const { table, column, type, next, highest } = counter
      problem({
        key: table,
        severity,
        summary: withTimeLeft(
          say`${percent(used)} of the numbers of ${table}.${column} (${type}, up to ${highest}) are used (limit ${percent(severity === 'critical' ? limits.critPct : limits.warnPct)})`,
          counter,
          told.earlier,
        ),
        advice: say`change this column, and those that refer to it, to BIGINT before the numbers end and inserts fail`,
        evidence: { table, column, type, next, highest, percent: Math.round(used * 10) / 10 },
      })
    }
  },
})

function withTimeLeft(said: Text, counter: Counter, earlier: Hourly<Counters>['earlier']): Text {
  const before = earlier?.answer.fullest.find(({ table }) => table === counter.table)
  if (earlier === null || before === undefined || before.next >= counter.next) return said
  const perMs = (counter.next - before.next) / earlier.ago
  const left = milliseconds((counter.highest - counter.next) / perMs)
  return say`${said}; at the pace of the last ${milliseconds(earlier.ago)} they end in ${left}`
}
