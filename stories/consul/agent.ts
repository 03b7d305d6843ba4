import {
  CannotTell,
  ConnectionFailure,
  DidNotHelp,
  parseJson,
  type Response,
  request,
  say,
  type Text,
  type z,
} from 'healthz'
import type { Options } from './options.ts'

/** The HTTP API of one agent. Each call is a connection of its own, so there is nothing to close. */
export interface Agent {
  readonly address: string
  /** @throws ConnectionFailure unless it is a Consul agent that answers, and that knows the token. */
  enter(signal: AbortSignal): Promise<void>
  /** The status and the body, whatever they are. */
  ask(path: string, signal: AbortSignal): Promise<Response>
  /** @throws CannotTell that names the missing right, or what else kept the answer back. */
  get<T>(path: string, shape: z.ZodType<T>, right: string, signal: AbortSignal): Promise<T>
  /** Runs an act of a cure. @throws DidNotHelp */
  put(path: string, body: unknown, right: string, signal: AbortSignal): Promise<void>
  /**
   * Throws unless an empty answer about nodes and services can be believed. What the token may not see is left out, and
   * only Consul 1.11 and later say so, to those that have a token. The servers themselves are a service: who does not
   * see that one may not see others.
   * @throws CannotTell
   */
  mustSee(right: string, signal: AbortSignal): Promise<void>
}

export function agentAt({ url: { url }, token, ca, insecure }: Options): Agent {
  const address = url.host
  const root = url.pathname.replace(/\/$/, '')
  let hasLeader = true
  const ask = (
    path: string,
    signal: AbortSignal,
    more: { method?: string; body?: string; timeout?: number } = {},
  ) =>
    request(new URL(root + path, url), {
      timeout: deadline,
      ...more,
      ca,
      insecure,
      signal,
      maxBody,
      headers: {
        ...(token !== undefined && { 'x-consul-token': token.reveal() }),
        ...(more.body !== undefined && { 'content-type': 'application/json' }),
      },
    })
  const get: Agent['get'] = async (path, shape, right, signal) => {
    // Without a leader the servers hold a question back for 7 s (rpc_hold_timeout), and refuse it then.
    if (!hasLeader && !isOwn(path)) throw leaderless()
    const { status, body, headers, isTruncated } = await ask(path, signal).catch((error) => {
      // It waits with its own services, too, while it cannot hand them to the servers.
      throw hasLeader ? error : leaderless()
    })
    if (status === 403 || status === 401) throw new CannotTell(whyForbidden(body, right))
    if (status === 404 || status === 405) throw new CannotTell(say`this version of Consul does not tell`)
    if (status !== 200 && status !== 429) {
      throw new CannotTell(say`Consul answered with HTTP status ${String(status)}`)
    }
    if (isFiltered(headers)) throw missing(right)
    if (isTruncated) throw new CannotTell(say`the answer is too long to be read`)
    const { success, data } = shape.safeParse(parseJson(body))
    if (!success) throw new CannotTell(say`Consul gave an answer of another form`)
    return data
  }
  return {
    address,
    ask,
    get,
    async enter(signal) {
      // It takes no right, and a server without a leader answers it, too, with an empty text or a status of 500.
      const { status, body } = await ask('/v1/status/leader', signal)
      if (status === 403) throw refusedToken(address, token !== undefined)
      const leader = parseJson(body)
      const isConsul = status === 200 ? typeof leader === 'string' : status === 500
      if (!isConsul) {
        const detail = say`HTTP status ${String(status)} instead of Consul's API`
        throw new ConnectionFailure('protocol', address, { detail })
      }
      hasLeader = status === 200 && leader !== ''
      if (token === undefined || !hasLeader) return
      // A token may read itself. Where nobody says who it is, the steps tell why.
      const self = await ask('/v1/acl/token/self', signal, { timeout: tokenDeadline }).catch(
        unlessAborted(signal),
      )
      if (self?.status === 403 && isUnknownToken(self.body)) throw refusedToken(address, true)
    },
    async put(path, content, right, signal) {
      const body = content === undefined ? '' : JSON.stringify(content)
      const answer = await ask(path, signal, { method: 'PUT', body })
      if (answer.status === 200) return
      if (answer.status === 403) throw new DidNotHelp(whyForbidden(answer.body, right))
      throw new DidNotHelp(say`Consul refused it with HTTP status ${String(answer.status)}`)
    },
    async mustSee(right, signal) {
      if (!hasLeader) throw leaderless()
      const { status, body, headers } = await ask('/v1/health/service/consul', signal)
      // One that says what it leaves out would have said so of the answer in question.
      if (isFiltered(headers)) return
      const servers = status === 200 ? parseJson(body) : null
      if (!Array.isArray(servers) || servers.length === 0) throw missing(right)
    },
  }
}

/** Less than a step's deadline, so that it can still say what it waited for. */
const deadline = 5000
const maxBody = 16_777_216

/** Of the time to open, so that the question before it has its share. */
const tokenDeadline = 2500

/** Whether the agent itself answers it, whatever has become of the servers. */
const isOwn = (path: string) => path.startsWith('/v1/agent/') || path.startsWith('/v1/status/')

const isFiltered = (headers: Response['headers']) => headers['x-consul-results-filtered-by-acls'] === 'true'

/** As Consul's own clients tell it from a missing right, which has the same status. */
const isUnknownToken = (body: string) => body.includes('ACL not found')

export function whyForbidden(body: string, right: string): Text {
  return isUnknownToken(body) ? say`Consul does not know the token` : say`the token lacks the right ${right}`
}

function missing(right: string): CannotTell {
  return new CannotTell(say`the token lacks the right ${right}`)
}

function leaderless(): CannotTell {
  return new CannotTell(say`the cluster has no leader`)
}

function unlessAborted(signal: AbortSignal): (error: unknown) => null {
  return (error) => {
    if (signal.aborted) throw error
    return null
  }
}

function refusedToken(address: string, isGiven: boolean): ConnectionFailure {
  return new ConnectionFailure(isGiven ? 'auth-failed' : 'auth-missing', address, {
    advice: say`check the token of this entry: consul acl token read -self`,
  })
}
