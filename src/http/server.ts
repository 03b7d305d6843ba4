import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { HttpPlan } from '../core/plan.ts'
import { say, type Text } from '../core/text.ts'
import { CannotListen } from './cannot-listen.ts'

/** What a route answers. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export type Route = (request: { readonly url: URL; readonly accept: string }) => Promise<Answer> | Answer

/** Takes what peers post below `/-/peer/`: at most 1 MiB each. */
export type Post = (request: {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The address of whoever asks. */
  readonly remote: string | undefined
}) => Promise<PostAnswer>

export interface PostAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const postPrefix = '/-/peer/'
const mostPosted = 1_048_576

/**
 * Serves GET and HEAD on these paths, and what peers post, until disposed; open connections are ended then.
 * @throws CannotListen when the port is in use or not allowed.
 */
export async function serve(
  plan: HttpPlan,
  routes: () => Readonly<Record<string, Route>>,
  failed: (path: string, error: unknown) => void,
  post: Post | null = null,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    const path = request.url ?? ''
    const isPeers = post !== null && path.startsWith(postPrefix)
    const given = isPeers ? takeIn(request, path, post) : answer(request, routes())
    given.then(
      (written) => write(response, written, request.method === 'HEAD'),
      (error) => {
        failed(path, error)
        write(response, text(500, 'internal error\n'), false)
      },
    )
  })
  await listen(server, plan)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : plan.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

export const text = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body,
})

export const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, null, 2)}\n`,
})

async function answer(request: IncomingMessage, routes: Readonly<Record<string, Route>>): Promise<Answer> {
  const url = URL.parse(request.url ?? '/', 'http://localhost')
  const route =
    url === null ? undefined : Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
  if (url === null || route === undefined)
    return text(404, `not found; there is ${Object.keys(routes).join(' ')}\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD\n')
  return route({ url, accept: request.headers.accept ?? '' })
}

async function takeIn(request: IncomingMessage, path: string, post: Post): Promise<Answer | PostAnswer> {
  const { method = '', headers, socket } = request
  if (method !== 'POST') return text(405, 'only POST\n')
  // Whoever breaks off reads no answer, so any will do.
  const body = await bodyOf(request, mostPosted).catch(() => null)
  if (body === null) return text(413, 'too large\n')
  return post({ method, path, headers, body, remote: socket.remoteAddress })
}

/** null: it is larger. It is read to its end all the same, up to four times that: else the answer would be lost. */
async function bodyOf(request: IncomingMessage, most: number): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > 4 * most) return null
    if (size <= most) chunks.push(chunk)
  }
  return size > most ? null : Buffer.concat(chunks).toString('utf8')
}

function write(response: ServerResponse, written: Answer | PostAnswer, isHead: boolean): void {
  const { status, body } = written
  response.writeHead(status, {
    ...('headers' in written ? written.headers : { 'content-type': written.type }),
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(isHead ? undefined : body)
}

const reasons: Readonly<Record<string, Text>> = {
  EADDRINUSE: say`the port is in use`,
  EACCES: say`this user may not listen there`,
  EADDRNOTAVAIL: say`this host has no such address`,
  ENOTFOUND: say`the host name cannot be resolved`,
}

function listen(server: Server, { host, port }: HttpPlan): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = reasons[error.code ?? ''] ?? error.code ?? error.name
      reject(new CannotListen(say`cannot listen on ${`${host}:${port}`}: ${reason}`, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}
