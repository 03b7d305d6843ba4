import type { ZodType } from 'zod'
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'
import { createVerifier, type Headers, header, signAnswer } from './auth.ts'
import {
  type Act,
  acts,
  alarms,
  type Greeting,
  greeting,
  type Handover,
  limitOf,
  peerPath,
  type Receipt,
  type Report,
  report,
} from './messages.ts'

export interface PeerRequest {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: string
  /** The address it comes from, for the limit on their number. */
  readonly remote?: string | undefined
}

export interface PeerResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a node answers its peers. */
export interface PeerHandlers {
  probe(greeting: Greeting): Greeting
  claim(greeting: Greeting): Greeting & { readonly granted: boolean }
  sent(greeting: Greeting): Greeting
  report(report: Report): Promise<Greeting>
  alarms(handover: Handover): Promise<Receipt>
}

/** Thrown by a handler that refuses a question. */
export class PeerRefusal extends Error {
  override readonly name = 'PeerRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Requests per second and remote address. */
const mostPerSecond = 200
const mostRemotes = 1000

/**
 * Answers what peers ask. Only a holder of the secret gets an answer, and each question counts once; the answers are
 * signed too.
 */
export function createPeerServer(ports: {
  readonly secret: Secret
  readonly clock: Clock
  readonly handlers: PeerHandlers
}): (request: PeerRequest) => Promise<PeerResponse> {
  const { secret, clock } = ports
  const verify = createVerifier(secret, clock)
  const isWithinLimit = rateLimit(clock)
  const routes = routesOf(ports.handlers)
  return async ({ method, path, headers, body, remote = '' }) => {
    const act = acts.find((one) => path === `${peerPath}${one}`)
    if (act === undefined) return plain(404, 'not found')
    if (method !== 'POST') return plain(405, 'only POST')
    if (!isWithinLimit(remote)) return plain(429, 'too many requests')
    if (Buffer.byteLength(body) > limitOf(act)) return plain(413, 'too large')
    const verdict = verify({ method, path, body }, headers)
    if (verdict.result === 'crowded') return plain(429, 'too many requests')
    if (verdict.result === 'forged' || verdict.result === 'replayed') return plain(401, 'not authorized')
    const signed = (status: number, words: string, challenge = ''): PeerResponse => ({
      status,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        [header.signature]: signAnswer(secret, verdict.nonce, status, challenge, words),
        ...(challenge !== '' && { [header.challenge]: challenge }),
      },
      body: words,
    })
    if (verdict.result === 'skewed') return signed(401, '{}', verdict.challenge)
    try {
      return signed(200, JSON.stringify(await routes[act](body)))
    } catch (error) {
      if (!(error instanceof PeerRefusal)) throw error
      return signed(error.status, JSON.stringify({ error: error.message }))
    }
  }
}

function routesOf(handlers: PeerHandlers): Readonly<Record<Act, (body: string) => unknown>> {
  return {
    probe: (body) => handlers.probe(parse(body, greeting)),
    claim: (body) => handlers.claim(parse(body, greeting)),
    sent: (body) => handlers.sent(parse(body, greeting)),
    report: (body) => handlers.report(parse(body, report)),
    alarms: (body) => handlers.alarms(parse(body, alarms)),
  }
}

function parse<Message>(body: string, schema: ZodType<Message>): Message {
  const read = schema.safeParse(asJson(body))
  if (!read.success) throw new PeerRefusal(400, 'not understood')
  return read.data
}

/** undefined: it is none. */
function asJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const plain = (status: number, words: string): PeerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: `${words}\n`,
})

/** A bucket for each address, full after a second of rest. */
function rateLimit(clock: Clock): (remote: string) => boolean {
  const buckets = new Map<string, { left: number; at: number }>()
  return (remote) => {
    const now = clock.elapsed()
    const { left, at } = buckets.get(remote) ?? { left: mostPerSecond, at: now }
    const filled = Math.min(mostPerSecond, left + ((now - at) / 1000) * mostPerSecond)
    buckets.delete(remote)
    buckets.set(remote, { left: Math.max(0, filled - 1), at: now })
    const [oldest] = buckets.keys()
    if (buckets.size > mostRemotes && oldest !== undefined) buckets.delete(oldest)
    return filled >= 1
  }
}
