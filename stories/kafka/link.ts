import type { Connection } from '@platformatic/kafka'
import { CannotTell, ConnectionFailure, milliseconds, say } from 'healthz'
import type { Address, Options } from './options.ts'
import { type Library, library, type Question, type Questions, questionsOf } from './protocol.ts'
import { addressOf, whyClosed, whyUnopened } from './unopened.ts'

/** A connection to one broker, logged in. */
export interface Link extends Disposable {
  readonly place: Address
  readonly address: string
  readonly questions: Questions
  /** Whether the broker speaks a version of this. */
  knows<Given extends unknown[], Answer>(question: Question<Given, Answer>): boolean
  /**
   * Asks, in the newest version that both sides speak. The codes of errors stand in the answer.
   * @throws CannotTell where the broker does not know the question, or answers in a form of its own;
   * ConnectionFailure where it does not answer.
   */
  ask<Given extends unknown[], Answer>(
    question: Question<Given, Answer>,
    signal: AbortSignal,
    ...given: Given
  ): Promise<Answer>
}

/** Milliseconds until TCP, TLS and login must stand. */
const openDeadline = 3000
/** Milliseconds until the first answer; a broker that hangs is told from one that is slow. */
const firstDeadline = 3000
/** Milliseconds; less than a step's deadline, so that it can still say what it waited for. */
const askDeadline = 6000

/** @throws ConnectionFailure whose kind tells why not. No error of it holds a password. */
export async function openLink(to: Address, options: Options, signal: AbortSignal): Promise<Link> {
  signal.throwIfAborted()
  const kafka = await library()
  const connection = new kafka.Connection('healthz', settingsOf(options))
  // Nobody has to listen: whoever asked gets the error too. An error without a listener would end the process.
  connection.on('error', () => {})
  let isTcpUp = false
  try {
    const connected = Promise.resolve(connection.connect(to.host, to.port))
    connection.socket.once('connect', () => {
      isTcpUp = true
    })
    await unlessAborted(connected, signal)
  } catch (error) {
    close(connection)
    signal.throwIfAborted()
    throw await whyUnopened(error, to, options, isTcpUp, signal)
  }
  try {
    return await welcome(kafka, connection, to, options, signal)
  } catch (error) {
    close(connection)
    throw error
  }
}

function settingsOf(options: Options) {
  const { user, password, mechanism } = options
  return {
    connectTimeout: openDeadline,
    requestTimeout: askDeadline,
    ...(options.tls && {
      tls: {
        rejectUnauthorized: !options.insecure,
        ...(options.ca !== undefined && { ca: options.ca }),
        ...(options.cert !== undefined && { cert: options.cert }),
        ...(options.key !== undefined && { key: options.key.reveal() }),
      },
    }),
    ...(user !== undefined && {
      sasl: { mechanism, username: user, password: password?.reveal() ?? '' },
    }),
  }
}

/** A broker that wants a login tells its versions all the same, and closes at the first question. */
async function welcome(
  kafka: Library,
  connection: Connection,
  to: Address,
  options: Options,
  signal: AbortSignal,
): Promise<Link> {
  const address = addressOf(to)
  const questions = questionsOf(kafka)
  try {
    const first = kafka.apiVersionsV1.api.async(connection, 'healthz', '1')
    const { apiKeys } = await within(first, firstDeadline, address, signal)
    const spoken = new Map(apiKeys.map((api) => [api.apiKey, api]))
    const link = linkOf(kafka, connection, to, questions, spoken)
    await within(link.ask(questions.metadata, signal, [], false), firstDeadline, address, signal)
    return link
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof ConnectionFailure && error.kind !== 'reset'
      ? error
      : await whyClosed(error, to, options, signal)
  }
}

function linkOf(
  kafka: Library,
  connection: Connection,
  place: Address,
  questions: Questions,
  spoken: ReadonlyMap<number, { readonly minVersion: number; readonly maxVersion: number }>,
): Link {
  const address = addressOf(place)
  const newest = <Given extends unknown[], Answer>(question: Question<Given, Answer>) =>
    question.find(({ key, version }) => {
      const range = spoken.get(key)
      return range !== undefined && version >= range.minVersion && version <= range.maxVersion
    })
  return {
    place,
    address,
    questions,
    knows: (question) => newest(question) !== undefined,
    async ask(question, signal, ...given) {
      const api = newest(question)
      if (api === undefined) throw new CannotTell(say`this version of Kafka does not tell`)
      try {
        return await unlessAborted(api.async(connection, ...given), signal)
      } catch (error) {
        signal.throwIfAborted()
        // Errors of parts of the answer come as one error that holds the answer.
        if (error instanceof kafka.ResponseError) return error['response']
        throw unanswered(kafka, error, address)
      }
    },
    [Symbol.dispose]: () => close(connection),
  }
}

function unanswered(kafka: Library, error: unknown, address: string): Error {
  if (error instanceof kafka.TimeoutError) return silence(address, askDeadline, error)
  if (error instanceof kafka.NetworkError) return new ConnectionFailure('reset', address, { cause: error })
  if (error instanceof ConnectionFailure) return error
  return new CannotTell(say`${address} gave an answer of another form`)
}

const silence = (address: string, ms: number, cause?: unknown) =>
  new ConnectionFailure('timeout-reply', address, { detail: say`nothing within ${milliseconds(ms)}`, cause })

async function within<Result>(
  work: Promise<Result>,
  ms: number,
  address: string,
  signal: AbortSignal,
): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(silence(address, ms)), ms)
  try {
    return await unlessAborted(Promise.race([work, late]), signal)
  } finally {
    clearTimeout(timer)
  }
}

async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  // Work that fails after it was given up has nobody left to tell.
  work.catch(() => {})
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Ends its timers too. */
function close(connection: Connection): void {
  connection.close(() => {})
  connection.socket?.destroy()
}
