import { CannotTell, milliseconds, type StepContext, say, seconds, stepOf, type Text } from 'healthz'
import { type Options, placeOf } from './options.ts'
import { openSession, type Row, type Session, StatementRefused } from './session.ts'

/** A MySQL or MariaDB server that let us in. */
export interface Server extends AsyncDisposable {
  readonly address: string
  readonly user: string
  readonly isMariadb: boolean
  readonly version: string
  readonly hostname: string
  /** When it started, in seconds since 1970 by its own clock. */
  readonly startedAt: number
  /** Seconds that it had been up at the opening. */
  readonly uptime: number
  readonly isReadOnly: boolean
  /**
   * Asks by one statement, which must name its columns in the case it wants them in.
   * @throws CannotTell that names the right which is missing, or what else kept the server from answering.
   */
  ask(
    sql: string,
    more?: { readonly values?: readonly unknown[]; readonly right?: Text },
  ): Promise<readonly Row[]>
  /** Counters and gauges of SHOW GLOBAL STATUS by name; those the server does not know are left out. */
  status(...names: readonly string[]): Promise<Readonly<Record<string, string>>>
  /** Runs one statement. @throws StatementRefused */
  run: Session['run']
}

/** A step of this story. */
export const step = stepOf<Server, Options>()

/** How long the server itself lets one of our statements run, in seconds. Less than a step's deadline. */
const statementLimit = 8

export async function openServer(options: Options, signal: AbortSignal): Promise<Server> {
  const place = placeOf(options)
  const session = await openSession(place, prepare, signal)
  try {
    return serverOf(session, place.address, place.user, await readFacts(session))
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

/** Notes that the server is too young to be judged by its pace, and says whether it is. */
export function isStarting({ target, options, note }: StepContext<Server, Options>): boolean {
  if (target.uptime * 1000 >= options.grace) return false
  note(
    say`it has been up for ${seconds(target.uptime)}; this is judged from ${milliseconds(options.grace)} on`,
  )
  return true
}

/** A field as a number; NULL, a missing field and what is no number are null. */
export function numberOf(row: Row | undefined, field: string): number | null {
  const value = row?.[field]
  if (typeof value !== 'number' && (typeof value !== 'string' || value === '')) return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

/** A figure of SHOW GLOBAL STATUS. @throws CannotTell where the server does not give it: that is not 0. */
export function figureOf(status: Readonly<Record<string, string>>, name: string): number {
  const figure = numberOf(status, name)
  if (figure === null) throw new CannotTell(say`the server does not tell ${name}`)
  return figure
}

/** A field as a text; NULL and a missing field are empty. */
export function textOf(row: Row | undefined, field: string): string {
  const value = row?.[field]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Whether a server variable is on: they come as 0 and 1 or, newer, as words of which only OFF means no. */
export function isOn(row: Row | undefined, field: string): boolean {
  return !['', '0', 'OFF', 'NO'].includes(textOf(row, field).toUpperCase())
}

/**
 * Nothing that a step asks may write, run away, give rows without end, or see figures that the server remembered
 * for a day.
 */
async function prepare(run: Session['run']): Promise<void> {
  await run('set session transaction read only')
  await run('set session sql_select_limit = 100000')
  const bounds = [
    `set session max_statement_time = ${statementLimit}`, // MariaDB, seconds
    `set session max_execution_time = ${statementLimit * 1000}`, // MySQL, milliseconds
    'set session information_schema_stats_expiry = 0', // MySQL 8
  ]
  for (const bound of bounds) {
    await run(bound).catch((error: unknown) => {
      if (!(error instanceof StatementRefused)) throw error // each server knows its own of these
    })
  }
}

/** Whether two samples are of one life of the server: its clock and its uptime tick at different moments. */
export function isSameStart(before: { startedAt: number }, after: { startedAt: number }): boolean {
  return Math.abs(before.startedAt - after.startedAt) <= 2
}

interface Facts {
  readonly isMariadb: boolean
  readonly version: string
  readonly hostname: string
  readonly startedAt: number
  readonly uptime: number
  readonly isReadOnly: boolean
}

async function readFacts(session: Session): Promise<Facts> {
  const [row] = await session.run(
    'select @@version as version, @@hostname as hostname, @@global.read_only as readOnly',
  )
  const version = textOf(row, 'version')
  const isMariadb = /mariadb/i.test(version)
  // One statement for both figures: their difference then changes by no more than a tick.
  const schema = isMariadb ? 'information_schema' : 'performance_schema'
  const [clock] = await session.run(
    `select unix_timestamp() as clock, variable_value as uptime from ${schema}.global_status
     where variable_name = 'Uptime'`,
  )
  const uptime = numberOf(clock, 'uptime') ?? 0
  const startedAt = (numberOf(clock, 'clock') ?? 0) - uptime
  return {
    isMariadb,
    version,
    hostname: textOf(row, 'hostname'),
    startedAt,
    uptime,
    isReadOnly: isOn(row, 'readOnly'),
  }
}

function serverOf(session: Session, address: string, user: string, facts: Facts): Server {
  const ask: Server['ask'] = async (sql, { values = [], right } = {}) => {
    try {
      return await session.run(sql, values)
    } catch (error) {
      throw error instanceof StatementRefused ? unanswered(error.errno, user, right) : error
    }
  }
  return {
    ...facts,
    address,
    user,
    ask,
    async status(...names) {
      const rows = await ask('show global status where variable_name in (?)', { values: [names] })
      return Object.fromEntries(rows.map((row) => [textOf(row, 'Variable_name'), textOf(row, 'Value')]))
    },
    run: (sql, values) => session.run(sql, values),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

function unanswered(errno: number, user: string, right: Text | undefined): CannotTell {
  if (deniedErrors.has(errno)) {
    return right === undefined
      ? new CannotTell(say`the user ${user} may not ask this (error ${String(errno)})`)
      : new CannotTell(say`the user ${user} lacks the right ${right}`)
  }
  if (errno === 1969 || errno === 3024)
    return new CannotTell(say`the answer took longer than ${seconds(statementLimit)}`)
  if (errno === 1193) return new CannotTell(say`this version of the server does not know that`)
  return new CannotTell(say`the server refused the question with its error ${String(errno)}`)
}

/** Access denied: to a database, a login, a command, a column, for lack of a privilege, a routine. */
const deniedErrors: ReadonlySet<number> = new Set([1044, 1045, 1142, 1143, 1227, 1370])
