import { DidNotHelp, say } from 'healthz'
import { StatementRefused } from './session.ts'
import { numberOf, type Server, textOf } from './target.ts'

/** A connection to the server, without what it runs: statements hold data. */
export interface Process {
  readonly id: number
  readonly user: string
  /** Without the port. */
  readonly host: string
  readonly command: string
  /** Seconds in its present command. */
  readonly time: number
  readonly state: string
}

/** The connections of others; without the right PROCESS those of the watchman's own user only. */
export async function readProcesses(server: Server): Promise<readonly Process[]> {
  const rows = await server.ask(
    `select id as id, user as user, host as host, command as command, time as time, state as state
     from information_schema.processlist where id <> connection_id()`,
  )
  return rows.map((row) => ({
    id: numberOf(row, 'id') ?? 0,
    user: textOf(row, 'user'),
    host: textOf(row, 'host').replace(/:\d+$/, ''),
    command: textOf(row, 'command'),
    time: numberOf(row, 'time') ?? 0,
    state: textOf(row, 'state'),
  }))
}

/** Whether the connection is the server's own: replication, the event scheduler, one that sends the binary log. */
export function isSystem({ user, command }: Pick<Process, 'user' | 'command'>): boolean {
  return systemUsers.has(user) || command === 'Daemon' || /^(Binlog Dump|Slave_|Replica_)/.test(command)
}

const systemUsers: ReadonlySet<string> = new Set([
  '',
  'system user',
  'event_scheduler',
  'unauthenticated user',
])

/**
 * Ends a connection, or only the statement that it runs. One that is gone already is fine.
 * @throws DidNotHelp where the right to do so is missing.
 */
export async function kill(server: Server, id: number, what: 'connection' | 'query'): Promise<void> {
  try {
    await server.run(`kill ${what} ${Math.trunc(id)}`)
  } catch (error) {
    const errno = error instanceof StatementRefused ? error.errno : null
    if (errno === unknownThread) return
    if (errno !== notOwner && errno !== accessDenied) throw error
    throw new DidNotHelp(
      say`the user ${server.user} may not end connections of others; grant it ${server.isMariadb ? 'CONNECTION ADMIN' : 'CONNECTION_ADMIN'}`,
    )
  }
}

const unknownThread = 1094
const notOwner = 1095
const accessDenied = 1227
