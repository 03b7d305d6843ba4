import {
  CannotTell,
  type Cure,
  count,
  DidNotHelp,
  duration,
  milliseconds,
  type Problem,
  say,
  tellSome,
  z,
} from 'healthz'
import { StatementFailed } from './influxql.ts'
import { type Influx, step } from './target.ts'

/** No query runs for too long. */
export const slowQueries = step({
  title: say`no query runs for too long`,
  on: false,
  limits: z.strictObject({ longest: duration('60s') }),
  cures: [{ title: say`end the query (KILL QUERY)`, consent: 'ask' }],
  async check({ target, limits, signal, note, problem }) {
    const queries = await runningQueries(target, signal)
    const slow = queries.filter(({ ran }) => ran > limits.longest).toSorted((a, b) => b.ran - a.ran)
    note(say`${count(queries.length, 'query', 'queries')} running`)
    const found = slow.map((query): Problem => {
      const { id, verb, database, ran } = query
      const place = database === '' ? say`without a database` : say`on ${database}`
      return {
        key: String(id),
        severity: 'warning',
        summary: say`query ${String(id)} (${verb}) ${place} has been running for ${milliseconds(ran)} (limit ${milliseconds(limits.longest)})`,
        advice: say`see what it asks with SHOW QUERIES, and give it a shorter range of time; queries that take memory can bring the server down`,
        evidence: { qid: id, database, ranMs: Math.round(ran) },
        resolve: killQuery(target, query),
      }
    })
    tellSome(found, problem)
  },
})

interface Query {
  readonly id: number
  /** May hold what customers wrote: never shown. */
  readonly text: string
  readonly verb: string
  readonly database: string
  /** Milliseconds. */
  readonly ran: number
}

async function runningQueries(target: Influx, signal: AbortSignal): Promise<readonly Query[]> {
  const tables = await target.run('SHOW QUERIES', signal)
  const rows = z.array(row).safeParse(tables.flatMap((table) => table.rows)).data
  if (rows === undefined) throw new CannotTell(say`InfluxDB gave an answer of another form`)
  return rows.flatMap(({ qid, query, database, duration }) => {
    const ran = goDuration(duration)
    if (ran === null) throw new CannotTell(say`InfluxDB gave an answer of another form`)
    const verb = /^\s*(\w+)/.exec(query)?.[1]?.toUpperCase() ?? ''
    return query === 'SHOW QUERIES' ? [] : [{ id: qid, text: query, verb, database, ran }]
  })
}

const row = z.looseObject({
  qid: z.number(),
  query: z.string(),
  database: z.string().default(''),
  duration: z.string(),
})

/** Milliseconds of `1h2m3.5s`, `34µs`; null where it is none. */
export function goDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ns|[uµμ]s|ms|s|m|h|d|w))+$/.test(text)) return null
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|[uµμ]s|ms|s|m|h|d|w)/g)
  return [...parts].reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (unitMs[unit] ?? 0), 0)
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Ids are given anew after a restart, so the text must still be the same. */
function killQuery(target: Influx, { id, text }: Query): Cure {
  return {
    title: say`end the query ${String(id)} (KILL QUERY)`,
    consent: 'ask',
    target: target.address,
    settle: 1000,
    within: 30_000,
    async run({ signal }) {
      const same = (await runningQueries(target, signal)).find((query) => query.id === id)
      if (same === undefined || same.text !== text) throw new DidNotHelp(say`the query has ended by itself`)
      try {
        await target.run(`KILL QUERY ${id}`, signal)
      } catch (error) {
        if (error instanceof StatementFailed) throw new DidNotHelp(error.reason)
        throw error
      }
    },
  }
}
