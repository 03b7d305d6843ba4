import type { TLSSocket } from 'node:tls'
import { say, type Text, time } from '../core/text.ts'
import { lazyNode } from './lazy-node.ts'

export interface TlsEndpoint {
  readonly host: string
  readonly port: number
}

/** What the certificate of a TLS server says of itself, whether it is trusted or not; null where it shows none. */
export function certificateOf(to: TlsEndpoint, signal: AbortSignal): Promise<Text | null> {
  return shakeHands(to, signal, 1000, (socket, end) => {
    socket.once('secureConnect', () => end(wordsOf(socket)))
    socket.once('error', () => end(null))
  })
}

/** Whether a TLS server turns away clients that show no certificate. In TLS 1.3 it says so only after the handshake. */
export async function wantsCertificate(to: TlsEndpoint, signal: AbortSignal): Promise<boolean> {
  const answer = await shakeHands<boolean>(to, signal, 500, (socket, end) => {
    socket.once('error', (error) => end(isCertificateRequired(error)))
    // The alert is an error only for those who read.
    socket.resume()
  })
  return answer === true
}

export function isCertificateRequired(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).includes('CERTIFICATE_REQUIRED')
}

/** A handshake with whoever is there; nothing is sent after it. Null where nothing ended it in time. */
async function shakeHands<Answer>(
  to: TlsEndpoint,
  signal: AbortSignal,
  ms: number,
  listen: (socket: TLSSocket, end: (answer: Answer | null) => void) => void,
): Promise<Answer | null> {
  const { promise, resolve } = Promise.withResolvers<Answer | null>()
  const socket = lazyNode.tls().connect({ ...to, rejectUnauthorized: false })
  const give = () => resolve(null)
  listen(socket, resolve)
  socket.on('error', give)
  socket.on('close', give)
  signal.addEventListener('abort', give, { once: true })
  const timer = setTimeout(give, ms)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', give)
    socket.destroy()
  }
}

function wordsOf(socket: TLSSocket): Text | null {
  const { subject, subjectaltname, valid_to } = socket.getPeerCertificate()
  const name = subject?.CN ?? subjectaltname
  const until = Date.parse(valid_to)
  if (name === undefined || Number.isNaN(until)) return null
  return say`it was issued to ${String(name)} and is valid until ${time(until)}`
}
