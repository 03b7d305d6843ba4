import { CannotTell, count, type Problem, percent, say, tellSome, z } from 'healthz'
import { growth } from './growth.ts'
import { quoted } from './influxql.ts'
import { type Influx, step } from './target.ts'

interface Sample {
  readonly life: string
  readonly series: Readonly<Record<string, number>>
}

/** The number of series, each of which takes memory, stays within bounds. */
export const series = step({
  title: say`the number of series stays within bounds`,
  limits: z.strictObject({
    max: z
      .number()
      .meta({ description: 'series of a database; more are fine while they do not grow' })
      .default(5_000_000),
    perMin: z.number().min(0).meta({ description: 'new series a minute beyond that' }).default(100),
    warnPct: z.number().meta({ description: 'of the limit of the server' }).default(80),
    perDatabase: z
      .int()
      .min(0)
      .meta({
        description: 'max-series-per-database of the server, for a user who may not read its settings',
      })
      .optional(),
  }),
  async check({ target, limits, signal, note, problem, compare, grade }) {
    const take = () => seriesOf(target, signal)
    const { before, after, apart } = await compare(take, (before, after) => before.life === after.life)
    const names = await namesOf(target, signal)
    const most = limits.perDatabase ?? (await serverLimit(target, signal))
    const counted = Object.entries(after.series).toSorted(([, a], [, b]) => b - a)
    const [largest] = counted
    if (largest !== undefined) {
      const name = names.get(largest[0]) ?? largest[0]
      note(
        say`${count(largest[1], 'series', 'series')} in ${name}, the most of ${count(counted.length, 'database')}`,
      )
    }
    if (most === null) note(say`the user ${target.user} may not read max-series-per-database`)
    const found = counted.flatMap(([id, series]): Problem[] => {
      const name = names.get(id) ?? id
      const perMin = (growth(before.series[id] ?? series, series) / apart) * 60_000
      const evidence = { database: name, series, perMin: Math.round(perMin), max: most }
      const share = most === null || most === 0 ? 0 : (series / most) * 100
      const full = share >= 100 ? 'critical' : grade(share, { warning: limits.warnPct }, name)
      const size = count(series, 'series', 'series')
      if (full !== null) {
        const limit = percent(full === 'critical' ? 100 : limits.warnPct)
        const summary = say`${size} in ${name}: ${percent(share)} of the ${most ?? 0} that it may have (limit ${limit})`
        return [{ key: name, severity: full, summary, advice, evidence }]
      }
      if (perMin <= limits.perMin || grade(series, { warning: limits.max }, name) === null) return []
      const summary = say`${size} in ${name} (limit ${limits.max}), and ${Math.round(perMin)} more a minute (limit ${limits.perMin})`
      return [{ key: name, severity: 'warning', summary, advice, evidence }]
    })
    tellSome(found, problem)
  },
})

const advice = say`find the tag with too many values (SHOW TAG KEY CARDINALITY), and write it as a field; a full database refuses new series`

/** From the server's own counters; where these are closed, from a question to each database. */
async function seriesOf(target: Influx, signal: AbortSignal): Promise<Sample> {
  try {
    const { life, series } = await target.figures(signal)
    return { life, series }
  } catch (error) {
    if (!(error instanceof CannotTell) || target.version.major !== 1) throw error
  }
  const names = (await target.databases(signal)).slice(0, 50).map(({ name }) => name)
  if (names.length === 0) throw new CannotTell(say`the user ${target.user} may read no database`)
  const counted = await Promise.all(
    names.map(async (name) => [name, await cardinality(target, name, signal)] as const),
  )
  return { life: '', series: Object.fromEntries(counted) }
}

async function cardinality(target: Influx, database: string, signal: AbortSignal): Promise<number> {
  const tables = await target.run(`SHOW SERIES CARDINALITY ON ${quoted(database)}`, signal)
  const [value] = Object.values(tables[0]?.rows[0] ?? {})
  if (typeof value !== 'number') throw new CannotTell(say`InfluxDB gave an answer of another form`)
  return value
}

/** What people call what the figures name: a bucket has an id. */
async function namesOf(target: Influx, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  if (target.version.major === 1) return new Map()
  return new Map((await target.databases(signal)).map(({ id, name }) => [id, name]))
}

/** 0: no limit; null: this user may not know. */
async function serverLimit(target: Influx, signal: AbortSignal): Promise<number | null> {
  if (target.version.major !== 1) return 0
  try {
    const tables = await target.run('SHOW DIAGNOSTICS', signal)
    const settings = tables.find(({ name }) => name === 'config-data')?.rows[0] ?? {}
    const most = settings['max-series-per-database']
    return typeof most === 'number' ? most : 0
  } catch (error) {
    if (error instanceof CannotTell) return null
    throw error
  }
}
