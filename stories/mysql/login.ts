import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { ConnectionFailure, failureOf, milliseconds, say } from 'healthz'
import type { Connection, ConnectionOptions, QueryError, SslOptions } from 'mysql2'
import { patience } from './greeting.ts'
import type { Place } from './options.ts'
import { refusal } from './refusal.ts'

/**
 * Logs in over a socket whose server has greeted.
 * @throws ConnectionFailure, or CannotTell where the server refuses for a reason that is not known here.
 */
export async function login(socket: Socket, place: Place, signal: AbortSignal): Promise<Connection> {
  const { createConnection } = await import('mysql2')
  signal.throwIfAborted()
  const connection = createConnection(settings(socket, place))
  connection.on('error', () => {}) // statements learn of it by themselves; without a listener it would end the process
  try {
    await loggedIn(connection, place, signal)
    return connection
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function settings(socket: Socket, { to, user, password, database, tls }: Place): ConnectionOptions {
  return {
    stream: socket,
    ...('path' in to ? { socketPath: to.path } : { host: to.host, port: to.port }),
    user,
    ...(password !== undefined && { password: password.reveal() }),
    ...(database !== undefined && { database }),
    ...(tls !== null && tlsSettings(tls, 'path' in to ? 'localhost' : to.host)),
    connectTimeout: 0, // it would not tell a host that is down from a process that hangs
    dateStrings: true,
    flags: ['-LOCAL_FILES', '-IGNORE_SPACE'],
    connectAttributes: { program_name: 'healthz' },
  }
}

/**
 * mysql2 gives the name to check to Node's TLS only where it is no IP address. With the dot that may end any full
 * name it does, and Node's check takes that dot off again.
 */
function tlsSettings({ ca, insecure }: NonNullable<Place['tls']>, host: string) {
  const ssl: SslOptions & { verifyIdentity: boolean } = {
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: !insecure,
    verifyIdentity: !insecure,
  }
  return { ssl, host: isIP(host) === 0 || insecure ? host : `${host}.` }
}

function loggedIn(connection: Connection, place: Place, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal.reason)
  const timer = setTimeout(() => {
    const detail = say`it greets, but does not let anyone log in within ${milliseconds(patience)}`
    reject(new ConnectionFailure('timeout-reply', place.address, { detail }))
  }, patience)
  signal.addEventListener('abort', abort, { once: true })
  connection.once('connect', () => resolve())
  connection.once('error', (error: QueryError) => reject(failureToLogin(error, connection, place)))
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  })
}

function failureToLogin(error: QueryError, connection: Connection, place: Place): Error {
  if (typeof error.errno === 'number' && error.errno > 0) return refusal(error.errno, place, error.message)
  if (error.code === 'AUTH_SWITCH_PLUGIN_ERROR') return refusal(1251, place)
  if (error.code === 'HANDSHAKE_SSL_ERROR') return failureOfTls(error, connection, place)
  return failureOf(error, place.address) ?? new ConnectionFailure('protocol', place.address)
}

/** mysql2 puts its own code over that of a TLS error; what Node thought of the certificate stays on the socket. */
function failureOfTls(error: QueryError, connection: Connection, { address }: Place): Error {
  const { authorizationError } = (connection as unknown as { stream: { authorizationError?: unknown } })
    .stream
  const failure = failureOf(Object.assign(new Error('TLS'), { code: authorizationError }), address)
  if (failure !== null) return failure
  return new ConnectionFailure('library' in error ? 'tls-plain' : 'reset', address)
}
