import type { Socket } from 'node:net'
import { ConnectionFailure, milliseconds, say } from 'healthz'
import type { Connection, QueryError } from 'mysql2'
import { patience, reach } from './greeting.ts'
import { login } from './login.ts'
import type { Place } from './options.ts'
import { WordedFailure } from './refusal.ts'

export type Row = Readonly<Record<string, unknown>>

/**
 * One connection for all steps. A statement that is not answered in time blocks its connection, so it takes the
 * connection with it, and the next statement opens another.
 */
export interface Session extends AsyncDisposable {
  /**
   * Runs one statement; `values` stand for its `?`.
   * @throws StatementRefused by the server, ConnectionFailure when the answer did not come.
   */
  run(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

/** The server's error, by its number only: the message and the statement may hold data. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused'
  readonly errno: number

  constructor(errno: number) {
    super(`the server refused a statement with its error ${errno}`)
    this.errno = errno
  }
}

/**
 * Opens a session; `prepare` is run on each of its connections before anything else. A statement may take
 * `answerWithin` milliseconds, which is less than the deadline of a step.
 */
export async function openSession(
  place: Place,
  prepare: (run: Session['run']) => Promise<void>,
  signal: AbortSignal,
  answerWithin = 9000,
): Promise<Session> {
  const closing = new AbortController()
  let current = open(place, prepare, signal)
  await current

  /** One that ended is replaced; one that could not be opened again stays lost for as long as the session. */
  const live = async () => {
    const opening = current
    const { socket } = await opening
    if (socket.destroyed && current === opening) current = open(place, prepare, closing.signal)
    return current
  }

  return {
    async run(sql, values = []) {
      return ask(await live(), { place, sql, values, answerWithin })
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the session is closed'))
      const wire = await current.catch(() => null)
      if (wire) await close(wire)
    },
  }
}

interface Wire {
  readonly socket: Socket
  readonly connection: Connection
}

async function open(
  place: Place,
  prepare: (run: Session['run']) => Promise<void>,
  signal: AbortSignal,
): Promise<Wire> {
  const socket = await reach(place, signal)
  const wire = { socket, connection: await login(socket, place, signal) }
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await prepare((sql, values = []) => ask(wire, { place, sql, values, answerWithin: patience }))
    signal.throwIfAborted()
    return wire
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

interface Question {
  readonly place: Place
  readonly sql: string
  readonly values: readonly unknown[]
  /** Milliseconds. */
  readonly answerWithin: number
}

function ask({ connection, socket }: Wire, question: Question): Promise<readonly Row[]> {
  const { place, sql, values, answerWithin } = question
  const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>()
  const giveUp = (failure: ConnectionFailure) => {
    socket.destroy()
    reject(failure)
  }
  const lost = () => giveUp(connectionLost(place))
  const timer = setTimeout(() => {
    const detail = say`no answer within ${milliseconds(answerWithin)}`
    giveUp(new ConnectionFailure('timeout-reply', place.address, { detail }))
  }, answerWithin)
  socket.once('close', lost)
  if (socket.destroyed) lost()
  else
    connection.query(sql, [...values], (error: QueryError | null, result: unknown) => {
      if (error === null) return resolve(Array.isArray(result) ? (result as readonly Row[]) : [])
      if (typeof error.errno === 'number' && error.errno > 0) return reject(new StatementRefused(error.errno))
      giveUp(connectionLost(place))
    })
  return promise.finally(() => {
    clearTimeout(timer)
    socket.off('close', lost)
  })
}

function connectionLost({ address }: Place): ConnectionFailure {
  const summary = say`${address} closed the connection while it was asked`
  return new WordedFailure('reset', address, summary, 'critical')
}

/** How long the server may take to see the client off, in milliseconds. */
const farewell = 300

/** Says goodbye, so that the server does not log and count an aborted client. */
async function close({ connection, socket }: Wire): Promise<void> {
  if (socket.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, farewell)
  socket.once('close', () => resolve())
  connection.end(() => {})
  await promise
  clearTimeout(timer)
  socket.destroy()
}
