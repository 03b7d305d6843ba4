import { CannotTell, isPast, type Limit, type Problem, type StepContext, say } from 'healthz'
import type { Options } from './options.ts'
import { numberOf, type Server, step } from './target.ts'

/** The figures of the business, each read by a SELECT of the entry, are within their limits. */
export const query = step({
  title: say`the figures that the entry asks for are within their limits`,
  on: ({ queries }) => queries.length > 0,
  async check({ target, options, note, problem, grade, cannotTell }) {
    const untold: ReturnType<typeof say>[] = []
    for (const asked of options.queries) {
      try {
        const value = await readNumber(target, asked)
        note(say`${asked.name} is ${value}`)
        const found = judge(asked, value, grade)
        if (found !== null) problem(found)
      } catch (error) {
        if (!(error instanceof CannotTell)) throw error
        untold.push(say`${asked.name}: ${error.reason}`)
      }
    }
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

type Query = Options['queries'][number]

async function readNumber(server: Server, { sql }: Query): Promise<number> {
  const rows = await server.ask(sql, { right: say`SELECT on what it reads` })
  const [row] = rows
  const fields = Object.keys(row ?? {})
  const [field = ''] = fields
  if (rows.length !== 1 || fields.length !== 1)
    throw new CannotTell(
      say`the question gives ${rows.length} rows of ${fields.length} columns instead of one number`,
    )
  const value = numberOf(row, field)
  if (value === null) throw new CannotTell(say`the question gives nothing (NULL), or no number`)
  return value
}

function judge(asked: Query, value: number, grade: StepContext['grade']): Problem | null {
  const { name, warn, crit } = asked
  const isOver = (limit: Limit | undefined, severity: 'warning' | 'critical'): limit is Limit =>
    limit !== undefined && isPast(value, limit, severity, name, grade)
  if (isOver(crit, 'critical')) return problemOf(asked, value, crit, 'critical')
  if (isOver(warn, 'warning')) return problemOf(asked, value, warn, 'warning')
  return null
}

function problemOf(
  { name, advice }: Query,
  value: number,
  { operator, value: bound }: Limit,
  severity: 'warning' | 'critical',
): Problem {
  return {
    key: name,
    severity,
    summary: say`${name} is ${value} (limit ${operator} ${bound})`,
    advice: advice ?? say`look at what the question of this name counts`,
    evidence: { value, limit: `${operator} ${bound}` },
  }
}
