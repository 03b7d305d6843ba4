import { createServer, request } from 'node:http'
import { pipeline } from 'node:stream'
import { startListening } from './listening.ts'

/** Starts a proxy before an engine's socket that lets only some questions through, as docker-socket-proxy does. */
export async function startDockerProxy(socketPath: string, allowed: readonly string[]): Promise<DockerProxy> {
  const rules = { allowed, mayPost: false }
  const listening = await startListening(() => ({
    server: createServer((asked, response) => {
      const { method = '', url = '', headers } = asked
      const isAllowed =
        rules.allowed.some((path) => url.startsWith(path)) && (method === 'GET' || rules.mayPost)
      if (!isAllowed) return void response.writeHead(403).end('403 Forbidden')
      const onward = request({ socketPath, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        pipeline(answer, response, () => {})
      })
      pipeline(asked, onward, (error) => error && response.destroy())
    }),
  }))
  const url = `http://127.0.0.1:${listening.port}`
  return Object.assign(rules, { url, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() })
}

export interface DockerProxy extends AsyncDisposable {
  readonly url: string
  /** What paths begin with that may be asked. */
  allowed: readonly string[]
  mayPost: boolean
}
