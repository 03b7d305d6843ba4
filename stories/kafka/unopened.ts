import { ConnectionFailure, certificateOf, failureOf, isCertificateRequired, rawProbe, say } from 'healthz'
import type { Address, Options } from './options.ts'
import { codes } from './protocol.ts'

/** `host:port`, as people read it. */
export function addressOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Why TCP, TLS or the login did not come about. */
export async function whyUnopened(
  error: unknown,
  to: Address,
  options: Options,
  isTcpUp: boolean,
  signal: AbortSignal,
): Promise<Error> {
  const address = addressOf(to)
  const refusal = refusalIn(error, address, options)
  if (refusal !== null) return refusal
  if (isCertificateRequiredIn(error)) return wantsToKnowUs(address)
  const failure = failureOf(error, address)
  if (failure === null && isTimeout(error)) {
    const kind = isTcpUp ? 'timeout-reply' : 'timeout-connect'
    return options.tls && isTcpUp
      ? ((await plainFailure(to, signal)) ?? new ConnectionFailure(kind, address))
      : new ConnectionFailure(kind, address)
  }
  if (failure === null || failure.kind === 'reset' || failure.kind === 'tls-plain')
    return whyClosed(error, to, options, signal)
  if (!failure.kind.startsWith('tls-')) return failure
  const detail = await certificateOf(to, signal)
  return new ConnectionFailure(failure.kind, address, { detail, cause: error })
}

/** Why the broker closed the connection, as far as a look at the bare port tells. */
export async function whyClosed(
  error: unknown,
  to: Address,
  options: Options,
  signal: AbortSignal,
): Promise<Error> {
  const address = addressOf(to)
  if (isCertificateRequiredIn(error)) return wantsToKnowUs(address)
  const heard = await hear(to, signal)
  if (options.tls && isKafka(heard)) return new ConnectionFailure('tls-plain', address)
  if (isTls(heard) && !options.tls) {
    return new ConnectionFailure('protocol', address, {
      detail: say`it speaks TLS`,
      advice: say`write tls: true in this entry`,
    })
  }
  if (heard !== '' && !isKafka(heard) && !isTls(heard)) return new ConnectionFailure('protocol', address)
  if (isKafka(heard) && options.user === undefined) {
    return new ConnectionFailure('auth-missing', address, {
      advice: say`give this entry a user, a password and the mechanism of the port`,
    })
  }
  return new ConnectionFailure('reset', address, { cause: error })
}

function refusalIn(error: unknown, address: string, options: Options): ConnectionFailure | null {
  const { user = '', mechanism } = options
  const code = codeIn(error)
  if (code === codes.loginRefused) {
    return new ConnectionFailure('auth-failed', address, { detail: say`the user ${user} by ${mechanism}` })
  }
  if (code === codes.mechanismUnknown) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`it offers no ${mechanism}, but ${mechanismsIn(error)}`,
      advice: say`choose one of these as mechanism in this entry`,
    })
  }
  if (code === codes.noSaslHere) {
    return new ConnectionFailure('protocol', address, {
      detail: say`this port takes no logins`,
      advice: say`name the port at which users log in, or leave user and password out of this entry`,
    })
  }
  return null
}

/** The error, what caused it, and what it gathers. */
function* chain(error: unknown, depth = 0): Generator<Error & Record<string, unknown>> {
  if (!(error instanceof Error) || depth > 6) return
  yield error as Error & Record<string, unknown>
  if (error instanceof AggregateError) for (const inner of error.errors) yield* chain(inner, depth + 1)
  yield* chain(error.cause, depth + 1)
}

/** The code that the broker gave. */
function codeIn(error: unknown): number | null {
  for (const { apiCode } of chain(error)) if (typeof apiCode === 'number') return apiCode
  return null
}

function mechanismsIn(error: unknown): string[] {
  for (const { response } of chain(error)) {
    const { mechanisms } = (response ?? {}) as { mechanisms?: unknown }
    if (Array.isArray(mechanisms)) return mechanisms.map(String)
  }
  return []
}

function isTimeout(error: unknown): boolean {
  return [...chain(error)].some(({ message }) => message.includes('timed out'))
}

const isCertificateRequiredIn = (error: unknown) => [...chain(error)].some(isCertificateRequired)

function wantsToKnowUs(address: string): ConnectionFailure {
  return new ConnectionFailure('reset', address, {
    detail: say`it wants its clients to show a certificate`,
    advice: say`give this entry a certificate and its key: cert and key`,
  })
}

async function plainFailure(to: Address, signal: AbortSignal): Promise<ConnectionFailure | null> {
  return isKafka(await hear(to, signal)) ? new ConnectionFailure('tls-plain', addressOf(to)) : null
}

/** What the bare port says to a client of Kafka. */
async function hear(to: Address, signal: AbortSignal): Promise<string> {
  try {
    return await rawProbe(to, { signal, connectTimeout: 500, send: apiVersions })
  } catch {
    // The failure that is to be explained stands as it is.
    return ''
  }
}

/** ApiVersions in its first version, with the correlation id 1, of the client `hz`. */
const apiVersions = '\0\0\0\x0c\0\x12\0\0\0\0\0\x01\0\x02hz'

/** An answer bears the id of the question after its length. */
const isKafka = (heard: string) => heard.slice(4, 8) === '\0\0\0\x01'

/** A record of TLS begins with its type, 20 to 23, and the version 3. */
const isTls = (heard: string) =>
  heard.charCodeAt(0) >= 20 && heard.charCodeAt(0) <= 23 && heard.charCodeAt(1) === 3
