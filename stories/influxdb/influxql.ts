import { CannotTell, parseJson, type Response, say, type Text, z } from 'healthz'
import { type Api, type Ask, documentOf, refusedLogin } from './api.ts'

/** A table of an answer; each row is told by the names of its columns. */
export interface Table {
  readonly name: string
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** The statement was understood and refused, or failed. */
export class StatementFailed extends CannotTell {
  /** What the server says, first line only. */
  readonly words: string

  constructor(words: string) {
    super(say`InfluxDB says: ${words}`)
    this.words = words
  }
}

/** The user lacks the right to it. */
export class NotPermitted extends CannotTell {}

/**
 * Runs one statement of InfluxQL. A statement may fail although the answer has status 200.
 * @throws ConnectionFailure, NotPermitted with the missing right, StatementFailed or CannotTell.
 */
export async function runStatement(
  api: Api,
  statement: string,
  signal: AbortSignal,
  { database, ...more }: Pick<Ask, 'timeout' | 'scheme'> & { readonly database?: string } = {},
): Promise<readonly Table[]> {
  const form = { q: statement, epoch: 'ms', ...(database !== undefined && { db: database }) }
  const response = await api.ask('/query', signal, { method: 'POST', form, ...more })
  if (response.status !== 200) throw refusalOf(api, response)
  const { results } = documentOf(response, answer)
  const failed = results.find(({ error }) => error !== undefined)?.error
  if (failed !== undefined) throw new StatementFailed(firstLine(failed))
  return results.flatMap(({ series = [] }) => series.map(tableOf))
}

/** An identifier as InfluxQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

const answer = z.looseObject({
  results: z.array(
    z.looseObject({
      error: z.string().optional(),
      series: z
        .array(
          z.looseObject({
            name: z.string().default(''),
            columns: z.array(z.string()),
            values: z.array(z.array(z.unknown())).nullish(),
          }),
        )
        .optional(),
    }),
  ),
})

type Series = NonNullable<z.output<typeof answer>['results'][number]['series']>[number]

function tableOf({ name, columns, values }: Series): Table {
  const rows = (values ?? []).map((row) =>
    Object.fromEntries(columns.map((column, index) => [column, row[index]])),
  )
  return { name, rows }
}

function refusalOf(api: Api, response: Response): Error {
  const { status, body } = response
  const said = refusal.safeParse(parseJson(body)).data
  const words = firstLine(said?.error ?? said?.message ?? '')
  if (status === 403) return new NotPermitted(missingRight(words, api.user))
  if (status === 401) return refusedLogin(api, status)
  if (words !== '') return new StatementFailed(words)
  return new CannotTell(say`InfluxDB answered with HTTP status ${String(status)}`)
}

const refusal = z.looseObject({ error: z.string().optional(), message: z.string().optional() })

/** The refusal quotes the statement and ends with what it takes: "requires READ on telegraf". */
function missingRight(words: string, user: string): Text {
  if (words.includes('create admin user first'))
    return say`authentication is on, but there is no user yet; run: CREATE USER admin WITH PASSWORD '...' WITH ALL PRIVILEGES`
  const [, right, database] = /requires (READ|WRITE|ALL PRIVILEGES) on (\S+)$/.exec(words) ?? []
  if (right !== undefined && database !== undefined)
    return say`the user ${user} lacks ${right} on ${database}; run: GRANT ${right} ON ${quoted(database)} TO ${quoted(user)}`
  return say`the user ${user} lacks the admin privilege; run: GRANT ALL PRIVILEGES TO ${quoted(user)}`
}

const firstLine = (text: string) => (text.split('\n', 1)[0] ?? '').slice(0, 200)
