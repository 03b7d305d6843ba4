import type { IncomingMessage } from 'node:http'
import type { ZodType } from 'zod'
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'
import { type Headers, header, isAnswerGenuine, signQuestion } from './auth.ts'
import { type Act, limitOf, peerPath } from './messages.ts'

/** Thrown when a peer gives no answer that can be used. */
export class PeerSilent extends Error {
  override readonly name = 'PeerSilent'
}

export interface PeerClient {
  /**
   * Asks the peer at `host:port`. Milliseconds in `deadline` are for all of it.
   * @throws PeerSilent; the signal's reason.
   */
  ask<Answer>(question: {
    readonly address: string
    readonly act: Act
    readonly message: unknown
    readonly answer: ZodType<Answer>
    readonly deadline: number
    readonly signal: AbortSignal
  }): Promise<Answer>
}

const mostAnswered = 1_048_576

/** Asks peers over HTTP, one connection a question. It follows no redirect and believes signed answers only. */
export function createPeerClient({ secret, clock }: { secret: Secret; clock: Clock }): PeerClient {
  return {
    async ask({ address, act, message, answer, deadline, signal }) {
      const target = targetOf(address)
      const body = JSON.stringify(message)
      if (Buffer.byteLength(body) > limitOf(act)) throw new PeerSilent(`${act} for ${address} is too large`)
      const question = { method: 'POST', path: `${peerPath}${act}`, body }
      const late = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(deadline))])
      const exchange = async (challenge: string | null) => {
        const headers = signQuestion(secret, question, clock.now(), challenge)
        const reply = await post(target, question, headers, late).catch((error: unknown) => {
          if (signal.aborted) throw signal.reason
          throw new PeerSilent(`${address} does not answer`, { cause: error })
        })
        const nonce = headers[header.nonce] ?? ''
        if (isAnswerGenuine(secret, nonce, reply.status, reply.headers, reply.body)) return reply
        throw new PeerSilent(`${address} answers ${reply.status} without a valid signature`)
      }
      let reply = await exchange(null)
      const challenge = reply.headers[header.challenge]
      if (reply.status === 401 && typeof challenge === 'string') reply = await exchange(challenge)
      if (reply.status !== 200) throw new PeerSilent(`${address} answers ${reply.status}`)
      const read = answer.safeParse(asJson(reply.body))
      if (!read.success) throw new PeerSilent(`${address} is not understood`, { cause: read.error })
      return read.data
    },
  }
}

function asJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

interface Target {
  readonly host: string
  readonly port: number
}

/** Nothing but a host and a port: an address comes from elsewhere and shall not smuggle in a path. */
function targetOf(address: string): Target {
  const parts = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(address)
  const port = Number(parts?.[3])
  if (parts === null || port < 1 || port > 65_535) throw new PeerSilent(`${address} is no address`)
  return { host: parts[1] ?? parts[2] ?? '', port }
}

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

function post(
  target: Target,
  { method, path, body }: { method: string; path: string; body: string },
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Reply> {
  const http = process.getBuiltinModule('node:http')
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      ...target,
      method,
      path,
      agent: false,
      signal,
      headers: {
        'user-agent': 'healthz',
        connection: 'close',
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      read(incoming).then(
        (content) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: content }),
        (error) => {
          outgoing.destroy()
          reject(error)
        },
      )
    })
    outgoing.end(body)
  })
}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostAnswered) throw new PeerSilent('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
