import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { ConnectionFailure, failureOf, kindOf } from '../core/failure.ts'
import type { Secret } from '../core/secret.ts'
import { milliseconds, say } from '../core/text.ts'
import { lazyNode } from './lazy-node.ts'

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly user?: string | undefined
  readonly password?: Secret | undefined
  /** A unix socket to speak HTTP over, instead of the URL's host. */
  readonly socketPath?: string | undefined
  /** Authorities trusted beside or instead of the system's, as PEM. */
  readonly ca?: string | undefined
  /** Accept any certificate. */
  readonly insecure?: boolean | undefined
  /** The certificate to show to the server, as PEM, and its key. */
  readonly cert?: string | undefined
  readonly key?: Secret | undefined
  readonly signal: AbortSignal
  /** Milliseconds until TCP (and TLS) must stand. Default 3000. */
  readonly connectTimeout?: number
  /** Milliseconds until the whole answer must be there. Default 10 000. */
  readonly timeout?: number
  /** Bytes of body to read at most; what lies beyond is cut off. Default 1 MiB. */
  readonly maxBody?: number
  /** Take an answer that breaks off in its body as an answer too, instead of failing. */
  readonly takesBroken?: boolean
}

export interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly isTruncated: boolean
  /** Whether the server closed before the body was whole; only where `takesBroken` was set. */
  readonly isBroken: boolean
  readonly timings: Timings
}

/** Milliseconds from the start until TCP and TLS stood, the first byte came, and the answer was whole. */
export interface Timings {
  readonly connect: number
  readonly firstByte: number
  readonly total: number
}

/**
 * One HTTP request on a connection of its own, with a deadline for each phase. It follows no redirects, uses no proxy
 * and takes any status as an answer.
 * @throws ConnectionFailure when there is no answer; its text holds no credentials and no query.
 */
export function request(url: URL, options: RequestOptions): Promise<Response> {
  const start = performance.now()
  const address =
    options.socketPath ?? `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  return new Promise((resolve, reject) => {
    options.signal.throwIfAborted()
    let connectedAt: number | null = null
    const connectTimeout = options.connectTimeout ?? 3000
    const timeout = options.timeout ?? 10_000
    const outgoing = send(url, options)
    const fail = (error: unknown) => {
      stop()
      outgoing.destroy()
      reject(error)
    }
    const connecting = setTimeout(() => {
      if (connectedAt !== null) return
      const isTcpUp = outgoing.socket?.connecting === false
      fail(
        new ConnectionFailure(isTcpUp ? 'timeout-reply' : 'timeout-connect', address, within(connectTimeout)),
      )
    }, connectTimeout)
    const answering = setTimeout(
      () => fail(new ConnectionFailure('timeout-reply', address, within(timeout))),
      timeout,
    )
    const abort = () => fail(options.signal.reason)
    const stop = () => {
      clearTimeout(connecting)
      clearTimeout(answering)
      options.signal.removeEventListener('abort', abort)
    }
    options.signal.addEventListener('abort', abort, { once: true })

    outgoing.on('socket', (socket) => {
      whenConnected(socket, url.protocol === 'https:', () => {
        connectedAt = performance.now()
      })
    })
    outgoing.on('error', (error) => fail(failureOf(asProtocol(error, address), address) ?? error))
    outgoing.on('response', (incoming) => {
      const firstByte = performance.now() - start
      read(incoming, options.maxBody ?? 1_048_576, options.takesBroken === true).then(
        (content) => {
          stop()
          const timings = {
            connect: (connectedAt ?? start) - start,
            firstByte,
            total: performance.now() - start,
          }
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, ...content, timings })
          outgoing.destroy()
        },
        (error) => fail(failureOf(error, address) ?? error),
      )
    })
    outgoing.end(options.body)
  })
}

const within = (ms: number) => ({ detail: say`nothing within ${milliseconds(ms)}` })

function send(url: URL, options: RequestOptions): ClientRequest {
  const { method = 'GET', user, password, socketPath, ca, insecure, cert, key, body } = options
  const isTls = url.protocol === 'https:'
  const authorization = user === undefined ? undefined : basic(user, password)
  return (isTls ? lazyNode.https() : lazyNode.http()).request({
    method,
    agent: false,
    path: `${url.pathname}${url.search}`,
    headers: {
      'user-agent': 'healthz',
      connection: 'close',
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      ...options.headers,
    },
    ...(socketPath === undefined
      ? { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || (isTls ? 443 : 80) }
      : { socketPath }),
    ...(isTls && {
      servername: isIp(url.hostname) ? '' : url.hostname,
      rejectUnauthorized: insecure !== true,
    }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: key.reveal() }),
  })
}

const isIp = (host: string) => host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host)

function basic(user: string, password: Secret | undefined): string {
  return `Basic ${Buffer.from(`${user}:${password?.reveal() ?? ''}`).toString('base64')}`
}

function whenConnected(socket: Socket, isTls: boolean, act: () => void): void {
  if (!socket.connecting && !isTls) act()
  else socket.once(isTls ? 'secureConnect' : 'connect', act)
}

/** What is no HTTP at all is a kind of its own. */
function asProtocol(error: Error & { code?: unknown }, address: string): Error {
  const isGarbage = typeof error.code === 'string' && error.code.startsWith('HPE_')
  return isGarbage ? new ConnectionFailure('protocol', address, { cause: error }) : error
}

async function read(
  incoming: IncomingMessage,
  maxBody: number,
  takesBroken: boolean,
): Promise<Pick<Response, 'body' | 'isTruncated' | 'isBroken'>> {
  const chunks: Buffer[] = []
  let size = 0
  let isBroken = false
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBody) break
    }
  } catch (error) {
    if (!takesBroken || kindOf(error) !== 'reset') throw error
    isBroken = true
  }
  const body = Buffer.concat(chunks).subarray(0, maxBody).toString('utf8')
  return { body, isTruncated: size > maxBody, isBroken }
}
