import { CannotTell, type Problem, say, tellSome } from 'healthz'
import { NotPermitted } from './influxql.ts'
import { type Influx, step } from './target.ts'

/** The databases that must be there are there: writes to one that is missing are refused. */
export const databases = step({
  title: say`the expected databases are there`,
  on: ({ expectDatabases }) => expectDatabases.length > 0,
  async check({ target, options, signal, note, problem, recall, remember }) {
    const seen = new Set((await target.databases(signal)).map(({ name }) => name))
    const before = new Set(recall<readonly string[]>()?.value ?? [])
    const expected = options.expectDatabases
    remember(expected.filter((name) => seen.has(name) || before.has(name)))
    note(
      say`${expected.filter((name) => seen.has(name)).length} of ${expected.length} expected databases seen`,
    )
    const missing = expected.filter((name) => !seen.has(name))
    if (missing.length === 0) return
    const isWhole = await seesAll(target, signal)
    const unsure = missing.filter((name) => !isWhole && !before.has(name))
    const gone = missing.filter((name) => !unsure.includes(name))
    tellSome(
      gone.map(
        (name): Problem => ({
          key: name,
          severity: 'critical',
          confirm: 1,
          summary: isWhole
            ? say`there is no database ${name}`
            : say`the database ${name} is gone: it was dropped, or the user ${target.user} lost READ on it`,
          advice: say`writes to it are refused; create it again with its retention policy, and look who dropped it`,
          evidence: { database: name },
        }),
      ),
      problem,
    )
    if (unsure.length === 0) return
    throw new CannotTell(
      say`the user ${target.user} does not see ${unsure}: missing, or the right to read is; run: GRANT READ ON "..." TO "${target.user}"`,
    )
  },
})

/** An InfluxDB lists only what the user may read; an admin sees all. */
async function seesAll(target: Influx, signal: AbortSignal): Promise<boolean> {
  if (target.version.major !== 1) return false
  try {
    await target.run('SHOW USERS', signal)
    return true
  } catch (error) {
    if (error instanceof NotPermitted) return false
    throw error
  }
}
