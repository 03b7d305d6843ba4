import { type Cure, DidNotHelp, say } from 'healthz'
import { type Channel, readChannels, showStatement } from './channels.ts'
import { StatementRefused } from './session.ts'
import type { Server } from './target.ts'

/** Starts a channel again that gave up fetching after network errors. */
export function startReplica(server: Server, { name, source }: Channel): Cure {
  return {
    title: say`start fetching from ${source} again`,
    consent: 'ask',
    target: server.address,
    settle: 3000,
    within: 60_000,
    async run() {
      const channel = (await readChannels(server)).find((candidate) => candidate.name === name)
      if (channel === undefined) throw new DidNotHelp(say`the channel is gone`)
      if (channel.io === 'Yes') return
      if (!isCurable(channel))
        throw new DidNotHelp(say`it is no longer a network error that keeps it from fetching`)
      await start(server, name)
    },
  }
}

/**
 * Whether starting the fetching again may mend it: it gave up after network errors, and applying is healthy. One that
 * a person stopped has no error.
 */
export function isCurable({ io, sql, ioErrno, sqlErrno }: Channel): boolean {
  return io === 'No' && networkErrors.has(ioErrno) && sql === 'Yes' && sqlErrno === 0
}

/** Cannot connect, connection lost, TLS, and errors of reading and writing packets. */
export const networkErrors: ReadonlySet<number> = new Set([2003, 2013, 2026, 1158, 1159, 1160, 1161])

async function start(server: Server, name: string): Promise<void> {
  try {
    await server.run('set session transaction read write')
    await server.run(startStatement(server), [name])
  } catch (error) {
    if (!(error instanceof StatementRefused) || error.errno !== 1227) throw error
    const right = server.isMariadb ? 'REPLICATION SLAVE ADMIN' : 'REPLICATION_SLAVE_ADMIN'
    throw new DidNotHelp(say`the user ${server.user} may not start replication; grant it ${right}`)
  } finally {
    // A connection that was lost is replaced by one that is read-only anyway.
    await server.run('set session transaction read only').catch(() => {})
  }
}

/** MariaDB names a channel right after the verb; the default one has an empty name in both. */
function startStatement(server: Server): string {
  if (server.isMariadb) return 'start slave ?'
  return showStatement(server) === 'show replica status'
    ? 'start replica for channel ?'
    : 'start slave for channel ?'
}
