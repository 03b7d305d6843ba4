import { CannotTell, milliseconds, type Problem, type StepContext, say } from 'healthz'
import { quoted } from './influxql.ts'
import type { Options, Stream } from './options.ts'
import { type Influx, step } from './target.ts'

/** New values keep coming in. */
export const fresh = step({
  title: say`new values keep coming in`,
  on: ({ fresh }) => fresh.length > 0,
  async check(context) {
    const { options, problem } = context
    const untold: CannotTell['reason'][] = []
    await Promise.all(
      options.fresh.map(async (stream) => {
        try {
          const found = await judge(stream, context)
          if (found !== null) problem(found)
        } catch (error) {
          if (!(error instanceof CannotTell)) throw error
          untold.push(error.reason)
        }
      }),
    )
    if (untold.length > 0) throw new CannotTell(say`${untold}`)
  },
})

async function judge(
  stream: Stream,
  { target, signal, now, note, grade }: StepContext<Influx, Options>,
): Promise<Problem | null> {
  const { measurement, field, maxAge, tooOld = maxAge * 3 } = stream
  const key = `${stream.database}.${measurement}.${field}`
  const newest = await newestOf(target, stream, signal)
  if (newest === null) {
    return {
      key,
      severity: 'critical',
      summary: say`${key} has no value at all`,
      advice: say`nothing was ever written, or all of it has expired: check the names, and look at what writes it`,
      evidence: { database: stream.database, measurement, field },
    }
  }
  const age = Math.max(0, now() - newest)
  note(say`the newest value of ${key} is ${milliseconds(age)} old`)
  const severity = grade(age, { warning: maxAge, critical: tooOld }, key)
  if (severity === null) return null
  return {
    key,
    severity,
    summary: say`the newest value of ${key} is ${milliseconds(age)} old (limit ${milliseconds(severity === 'critical' ? tooOld : maxAge)})`,
    advice: say`look at what writes it and at what lies before that, and repair the first hop that stands still`,
    evidence: { ageMs: Math.round(age), newest: new Date(newest).toISOString() },
  }
}

/** When the newest value was, in milliseconds; values of the future (a wrong clock) do not count. */
async function newestOf(target: Influx, stream: Stream, signal: AbortSignal): Promise<number | null> {
  const { database, retention, measurement, field } = stream
  const from = retention === undefined ? quoted(measurement) : `${quoted(retention)}.${quoted(measurement)}`
  const statement = `SELECT last(${quoted(field)}) FROM ${from} WHERE time <= now()`
  const [table] = await target.run(statement, signal, database)
  if (table === undefined) return null
  const at = table.rows[0]?.['time']
  if (typeof at !== 'number') throw new CannotTell(say`InfluxDB gave an answer of another form`)
  return at
}
