import { createServer } from 'node:http'
import { type Listening, startListening } from './listening.ts'

/** Starts an HTTP server that gives recorded answers by path, without the query; 404 elsewhere. */
export async function startRecordedHttp({ authorization, answers }: Recorded): Promise<RecordedHttp> {
  const listening = await startListening(() => ({
    server: createServer((request, response) => {
      const path = (request.url ?? '').split('?', 1)[0] ?? ''
      const answer = answers[path] ?? { status: 404, body: '404 page not found' }
      const isRefused = authorization !== undefined && answer.isOpen !== true
      if (isRefused && request.headers.authorization !== authorization) {
        response.writeHead(401).end('{"code":"unauthorized","message":"unauthorized access"}')
        return
      }
      const { status = 200, headers, body = '' } = answer
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
    }),
  }))
  return { ...listening, url: `http://127.0.0.1:${listening.port}` }
}

export interface Recorded {
  /** The header that all but open paths want; they answer 401 without it. */
  readonly authorization?: string
  /** May be changed while the server runs. */
  readonly answers: Record<string, RecordedAnswer>
}

export interface RecordedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | object
  readonly isOpen?: boolean
}

export interface RecordedHttp extends Listening {
  readonly url: string
}
