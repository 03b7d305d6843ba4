import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
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

/**
 * Serves GET and HEAD on these paths until disposed; open connections are ended then.
 * @throws CannotListen when the port is in use or not allowed.
 */
export async function serve(
  plan: HttpPlan,
  routes: Readonly<Record<string, Route>>,
  failed: (path: string, error: unknown) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    answer(request, routes).then(
      (given) => write(response, given, request.method === 'HEAD'),
      (error) => {
        failed(request.url ?? '', error)
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

function write(response: ServerResponse, { status, type, body }: Answer, isHead: boolean): void {
  response.writeHead(status, {
    'content-type': type,
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
