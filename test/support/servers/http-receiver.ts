import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Listening, startListening } from './listening.ts'

/** Starts an HTTP server in this process that keeps every request, and answers 200 until it is told otherwise. */
export async function startHttpReceiver(): Promise<HttpReceiver> {
  const requests: ReceivedRequest[] = []
  const once: HttpAnswer[] = []
  let always: HttpAnswer = { status: 200 }
  const listening = await startListening(() => ({
    server: createServer(async (request, response) => {
      requests.push(await record(request))
      send(response, once.shift() ?? always)
    }),
  }))
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    requests,
    answer: (next) => {
      always = next
    },
    answerOnce: (...next) => {
      once.push(...next)
    },
  }
}

export interface HttpReceiver extends Listening {
  readonly url: string
  /** What came so far, oldest first; a request is here before it is answered. */
  readonly requests: readonly ReceivedRequest[]
  /** Answers so from now on. */
  answer(answer: HttpAnswer): void
  /** Answers the next requests so, one each, before it goes on as before. */
  answerOnce(...answers: readonly HttpAnswer[]): void
}

export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The body as JSON; throws if it is none. */
  json(): unknown
}

/** `hang` never answers, `reset` breaks the connection off. */
export type HttpAnswer =
  | 'hang'
  | 'reset'
  | {
      readonly status: number
      readonly body?: string | object
      readonly headers?: Readonly<Record<string, string>>
    }

async function record(request: IncomingMessage): Promise<ReceivedRequest> {
  const body = await text(request)
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    body,
    json: () => JSON.parse(body),
  }
}

function send(response: ServerResponse, answer: HttpAnswer): void {
  if (answer === 'hang') return
  if (answer === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  const { status, body = '', headers } = answer
  if (typeof body === 'string') {
    response.writeHead(status, headers).end(body)
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
