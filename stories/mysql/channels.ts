import { say } from 'healthz'
import type { Row } from './session.ts'
import { numberOf, type Server, textOf } from './target.ts'

/** One stream of changes from a source, as the replica sees it. */
export interface Channel {
  /** Empty for the default one. */
  readonly name: string
  /** `host:port`. */
  readonly source: string
  /** `Yes`, `No`, `Connecting`, `Preparing`. */
  readonly io: string
  /** `Yes` or `No`. */
  readonly sql: string
  readonly ioErrno: number
  readonly sqlErrno: number
  /** Seconds behind the source; null where the server cannot say. */
  readonly lag: number | null
  /** Seconds that it is meant to be behind. */
  readonly delay: number
}

/** All channels of a replica; none on a server that is no replica. */
export async function readChannels(server: Server): Promise<readonly Channel[]> {
  const right = server.isMariadb ? say`SLAVE MONITOR` : say`REPLICATION CLIENT`
  return (await server.ask(showStatement(server), { right })).map(toChannel)
}

/** MySQL 8.0.22 brought a new name and 8.4 took the old one away; MariaDB shows all channels only when asked for all. */
export function showStatement({ isMariadb, version }: Pick<Server, 'isMariadb' | 'version'>): string {
  if (isMariadb) return 'show all slaves status'
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  const isNew = major > 8 || (major === 8 && (minor > 0 || patch >= 22))
  return isNew ? 'show replica status' : 'show slave status'
}

/** A row of the answer: MySQL 8 renamed the columns, MariaDB kept the old names. */
export function toChannel(row: Row): Channel {
  const either = (...fields: readonly string[]) => fields.find((field) => field in row) ?? ''
  const text = (...fields: readonly string[]) => textOf(row, either(...fields))
  return {
    name: text('Channel_Name', 'Connection_name'),
    source: `${text('Source_Host', 'Master_Host')}:${text('Source_Port', 'Master_Port')}`,
    io: text('Replica_IO_Running', 'Slave_IO_Running'),
    sql: text('Replica_SQL_Running', 'Slave_SQL_Running'),
    ioErrno: numberOf(row, 'Last_IO_Errno') ?? 0,
    sqlErrno: numberOf(row, 'Last_SQL_Errno') ?? 0,
    lag: numberOf(row, either('Seconds_Behind_Source', 'Seconds_Behind_Master')),
    delay: numberOf(row, 'SQL_Delay') ?? 0,
  }
}
