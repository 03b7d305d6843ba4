import {
  CannotTell,
  ConnectionFailure,
  DidNotHelp,
  parseJson,
  type Response,
  request,
  say,
  type z,
} from 'healthz'
import type { Options } from './options.ts'

/** The HTTP API of one agent. Each call is a connection of its own, so there is nothing to close. */
export interface Agent {
  readonly address: string
  /** @throws ConnectionFailure unless it is a Consul agent that answers. */
  enter(signal: AbortSignal): Promise<void>
  /** The status and the body, whatever they are. */
  ask(path: string, signal: AbortSignal): Promise<Response>
  /** @throws CannotTell that names the missing right, or what else kept the answer back. */
  get<T>(path: string, shape: z.ZodType<T>, right: string, signal: AbortSignal): Promise<T>
  /** Runs an act of a cure. @throws DidNotHelp */
  put(path: string, body: unknown, right: string, signal: AbortSignal): Promise<void>
}

export function agentAt({ url: { url }, token, ca, insecure }: Options): Agent {
  const address = url.host
  const root = url.pathname.replace(/\/$/, '')
  const ask = (path: string, signal: AbortSignal, more: { method?: string; body?: string } = {}) =>
    request(new URL(root + path, url), {
      ...more,
      ca,
      insecure,
      signal,
      timeout: deadline,
      maxBody,
      headers: {
        ...(token !== undefined && { 'x-consul-token': token.reveal() }),
        ...(more.body !== undefined && { 'content-type': 'application/json' }),
      },
    })
  return {
    address,
    ask,
    async enter(signal) {
      // It takes no right, and a server without a leader answers it, too, with an empty text or a status of 500.
      const { status, body } = await ask('/v1/status/leader', signal)
      if (status === 403) throw refusedToken(address, token !== undefined)
      const isConsul = status === 200 ? typeof parseJson(body) === 'string' : status === 500
      if (isConsul) return
      const detail = say`HTTP status ${String(status)} instead of Consul's API`
      throw new ConnectionFailure('protocol', address, { detail })
    },
    async get(path, shape, right, signal) {
      const response = await ask(path, signal)
      const { status, body, headers, isTruncated } = response
      if (status === 403 || status === 401) throw missing(right)
      if (status === 404 || status === 405) throw new CannotTell(say`this version of Consul does not tell`)
      if (status !== 200 && status !== 429) {
        throw new CannotTell(say`Consul answered with HTTP status ${String(status)}`)
      }
      // What the token may not see is simply left out, with a header that says so (Consul 1.11 and later).
      if (headers['x-consul-results-filtered-by-acls'] === 'true') throw missing(right)
      if (isTruncated) throw new CannotTell(say`the answer is too long to be read`)
      const { success, data } = shape.safeParse(parseJson(body))
      if (!success) throw new CannotTell(say`Consul gave an answer of another form`)
      return data
    },
    async put(path, content, right, signal) {
      const body = content === undefined ? '' : JSON.stringify(content)
      const { status } = await ask(path, signal, { method: 'PUT', body })
      if (status === 200) return
      if (status === 403) throw new DidNotHelp(say`the token lacks the right ${right}`)
      throw new DidNotHelp(say`Consul refused it with HTTP status ${String(status)}`)
    },
  }
}

/** Less than a step's deadline, so that it can still say what it waited for. */
const deadline = 5000
const maxBody = 16_777_216

function missing(right: string): CannotTell {
  return new CannotTell(say`the token lacks the right ${right}`)
}

function refusedToken(address: string, isGiven: boolean): ConnectionFailure {
  return new ConnectionFailure(isGiven ? 'auth-failed' : 'auth-missing', address, {
    advice: say`check the token of this entry: consul acl token read -self`,
  })
}
