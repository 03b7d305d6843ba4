import { ConnectionFailure } from '../../core/failure.ts'
import { say } from '../../core/text.ts'
import { certificateOf, isCertificateRequired, wantsCertificate } from '../certificate.ts'
import { rawProbe } from '../tcp.ts'
import { type Asked, refusalOf } from './refusal.ts'

/** Why a server that takes the connection says nothing: a TLS client waits in vain for a server that speaks plain. */
export async function whySilent(
  failure: ConnectionFailure,
  url: URL,
  signal: AbortSignal,
): Promise<ConnectionFailure> {
  if (url.protocol !== 'rediss:') return failure
  return isRedis(await hear(url, signal, 'PING\r\n'))
    ? new ConnectionFailure('tls-plain', failure.address)
    : failure
}

/** Why TLS does not come about, with what the server's certificate says. */
export async function whyUntrusted(
  failure: ConnectionFailure,
  url: URL,
  signal: AbortSignal,
): Promise<ConnectionFailure> {
  const { kind, address, cause } = failure
  if (isCertificateRequired(cause)) return wantsToKnowUs(address)
  if (kind === 'tls-plain') return failure
  return new ConnectionFailure(kind, address, { detail: await certificateOf(endpointOf(url), signal), cause })
}

/** Why a server closes at once: a full one says so to whoever listens, and the library does not. */
export async function whyClosed(
  failure: ConnectionFailure,
  url: URL,
  asked: Asked,
  signal: AbortSignal,
): Promise<Error> {
  const heard = await hear(url, signal)
  if (heard.startsWith('-')) return refusalOf(heard.slice(1), asked)
  if (heard !== '') return new ConnectionFailure('protocol', failure.address)
  if (url.protocol === 'rediss:') {
    const isStranger = await wantsCertificate(endpointOf(url), signal)
    return isStranger ? wantsToKnowUs(failure.address) : whySilent(failure, url, signal)
  }
  return new ConnectionFailure('reset', failure.address, {
    advice: say`look into the server's log for the reason; where the port speaks TLS, write rediss: in the URL`,
    cause: failure.cause,
  })
}

async function hear(url: URL, signal: AbortSignal, send?: string): Promise<string> {
  try {
    return await rawProbe(endpointOf(url), {
      signal,
      connectTimeout: 500,
      ...(send !== undefined && { send }),
    })
  } catch {
    // The failure that is to be explained stands as it is.
    return ''
  }
}

const isRedis = (heard: string) => /^[+-]/.test(heard)

function wantsToKnowUs(address: string): ConnectionFailure {
  return new ConnectionFailure('reset', address, {
    detail: say`it wants its clients to show a certificate`,
    advice: say`set tls-auth-clients optional on the server: this program has no certificate to show`,
  })
}

/** Host and port as a socket takes them: an IPv6 address without its brackets. */
export function endpointOf(url: URL): { readonly host: string; readonly port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 6379) }
}
