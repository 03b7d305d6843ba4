import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { ConnectionFailure, type FailureKind, failureOf, kindOf } from '../core/failure.ts'
import { milliseconds, say } from '../core/text.ts'
import { lazyNode } from './lazy-node.ts'

/** What a TLS server shows to whoever asks. */
export interface TlsView {
  /** Its own certificate, then those that signed it, as far as they are known. */
  readonly chain: readonly Certificate[]
  /** Why a client would turn away; empty where it would not. */
  readonly distrust: readonly FailureKind[]
  /** `TLSv1.3` */
  readonly protocol: string
}

export interface Certificate {
  readonly name: string
  readonly issuer: string
  /** Wall milliseconds. */
  readonly validFrom: number
  readonly validTo: number
  readonly isSelfSigned: boolean
}

export interface TlsPlace {
  readonly host: string
  readonly port: number
  /** The name to ask for and to find in the certificate. Default: the host. */
  readonly name?: string
  /** Authorities to trust beside the system's, as PEM. */
  readonly ca?: string | undefined
}

/**
 * Shakes hands with a TLS server whatever its certificate, down to TLS 1.0, and says nothing more.
 * @throws ConnectionFailure when there is no handshake within `timeout` (default 3000 ms).
 */
export async function lookAtTls(
  place: TlsPlace,
  options: { readonly signal: AbortSignal; readonly timeout?: number },
): Promise<TlsView> {
  const { host, port, name = host, ca } = place
  const socket = lazyNode.tls().connect({
    host,
    port,
    ...(!isIp(name) && { servername: name }),
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    // OpenSSL does no TLS below 1.2 at its usual level of security.
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  try {
    await secured(socket, `${host}:${port}`, options.timeout ?? 3000, options.signal)
    return viewOf(socket, name)
  } finally {
    socket.destroy()
  }
}

const isIp = (name: string) => name.includes(':') || /^\d+(\.\d+){3}$/.test(name)

async function secured(socket: TLSSocket, address: string, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => {}) // nobody waits for it once the signal has aborted
  let isTcpUp = false
  const abort = () => reject(signal.reason)
  const timer = setTimeout(() => {
    const detail = say`nothing within ${milliseconds(ms)}`
    reject(new ConnectionFailure(isTcpUp ? 'timeout-reply' : 'timeout-connect', address, { detail }))
  }, ms)
  socket.once('connect', () => {
    isTcpUp = true
  })
  socket.once('secureConnect', resolve)
  socket.on('error', (error) => reject(failureOf(error, address) ?? error))
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function viewOf(socket: TLSSocket, name: string): TlsView {
  const own = socket.getPeerCertificate(true)
  const mismatch = own.subject === undefined ? undefined : lazyNode.tls().checkServerIdentity(name, own)
  const kinds = [chainFault(socket), mismatch && kindOf(mismatch)].filter((kind) => kind != null)
  return {
    chain: [...chainOf(own)].map(certificateOf),
    distrust: [...new Set(kinds)],
    protocol: socket.getProtocol() ?? '',
  }
}

/** Node declares an Error here and gives its code. */
function chainFault(socket: TLSSocket): FailureKind | null {
  if (socket.authorized) return null
  const code: unknown = socket.authorizationError
  const fault = code instanceof Error ? code : Object.assign(new Error('not authorized'), { code })
  return kindOf(fault) ?? 'tls-untrusted'
}

/** The issuer of a root is the root itself. */
function* chainOf(certificate: DetailedPeerCertificate): Generator<DetailedPeerCertificate> {
  const seen = new Set<string>()
  let current: DetailedPeerCertificate | undefined = certificate
  while (current?.subject !== undefined && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256)
    yield current
    current = current.issuerCertificate
  }
}

function certificateOf(raw: DetailedPeerCertificate): Certificate {
  const [name, issuer] = [nameOf(raw.subject), nameOf(raw.issuer)]
  return {
    name: name || (raw.subjectaltname ?? '').replace(/^DNS:/, '').split(',', 1).join(),
    issuer,
    validFrom: Date.parse(raw.valid_from),
    validTo: Date.parse(raw.valid_to),
    isSelfSigned: raw.issuerCertificate?.fingerprint256 === raw.fingerprint256,
  }
}

/** A part may stand more than once. */
function nameOf(subject: DetailedPeerCertificate['subject'] | undefined): string {
  return [subject?.CN ?? subject?.O ?? []].flat().join(', ')
}
