import {
  CannotTell,
  ConnectionFailure,
  type RequestOptions,
  type Response,
  request,
  say,
  type z,
} from 'healthz'
import type { Options } from './options.ts'

/** The engine's API. Each call is a connection of its own, so there is nothing to close. */
export interface Api {
  /** A socket's path or `host:port`. */
  readonly address: string
  /** @throws CannotTell where the answer is refused or has another form. */
  get<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<Answer<T>>
  /** As `get`; null where there is no such thing. */
  find<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal, timeout?: number): Promise<T | null>
  /** One JSON document a line. */
  lines<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<Answer<readonly T[]>>
  /** Gives the HTTP status. */
  post(path: string, signal: AbortSignal): Promise<number>
}

export interface Answer<T> {
  readonly value: T
  /** Wall milliseconds on the engine's clock; null where it does not say. */
  readonly at: number | null
}

export function engineApi({ url: { url }, ca, insecure }: Options): Api {
  const socketPath = url.protocol === 'unix:' ? decodeURIComponent(url.pathname) : undefined
  const base = socketPath === undefined ? url : new URL('http://localhost')
  const address = socketPath ?? url.host
  const send = (path: string, signal: AbortSignal, more: Partial<RequestOptions> = {}) =>
    request(new URL(path, base), { socketPath, ca, insecure, maxBody, timeout: 6000, signal, ...more }).catch(
      (error) => {
        throw explain(error, address, socketPath !== undefined)
      },
    )
  const parsed = <T>(body: string, shape: z.ZodType<T>): T => {
    const { success, data } = shape.safeParse(parseJson(body))
    if (!success) throw new CannotTell(say`${address} gave an answer of another form`)
    return data
  }
  return {
    address,
    get: async (path, shape, signal) => {
      const response = answered(await send(path, signal), path, address)
      return { value: parsed(response.body, shape), at: timeOf(response) }
    },
    find: async (path, shape, signal, timeout = 6000) => {
      const response = await send(path, signal, { timeout })
      return response.status === 404 ? null : parsed(answered(response, path, address).body, shape)
    },
    lines: async (path, shape, signal) => {
      const response = answered(await send(path, signal), path, address)
      const lines = response.body.split('\n').filter((line) => line.trim() !== '')
      return { value: lines.map((line) => parsed(line, shape)), at: timeOf(response) }
    },
    // Stopping may take the ten seconds that the container is given.
    post: async (path, signal) => (await send(path, signal, { method: 'POST', timeout: 40_000 })).status,
  }
}

/** An engine with some thousand containers. */
const maxBody = 33_554_432

const timeOf = ({ headers }: Response) => Date.parse(headers.date ?? '') || null

function answered(response: Response, path: string, address: string): Response {
  const { status, isTruncated } = response
  const [asked = path] = path.split('?')
  if (status === 401 || status === 403) {
    throw new CannotTell(
      say`${address} does not let the watchman ask GET ${asked}; allow it in the settings of the proxy`,
    )
  }
  if (status !== 200)
    throw new CannotTell(say`${address} answered GET ${asked} with HTTP status ${String(status)}`)
  if (isTruncated) throw new CannotTell(say`the answer of ${address} is too long`)
  return response
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // no JSON: no shape accepts it
  }
}

/** A failure to reach the engine, with what is special about it. Other errors come back as they are. */
function explain(error: unknown, address: string, isSocket: boolean): unknown {
  // Linux gives EAGAIN for a unix socket whose queue is full: its owner has not accepted for a long time.
  if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
    const detail = say`its queue of waiting connections is full`
    return new ConnectionFailure('timeout-reply', address, { detail, advice: hungAdvice, cause: error })
  }
  if (!(error instanceof ConnectionFailure)) return error
  const { kind, detail, cause } = error
  if (kind === 'timeout-reply')
    return new ConnectionFailure(kind, address, { detail, advice: hungAdvice, cause })
  if (kind === 'not-allowed' && isSocket) {
    const missing = say`the watchman's user may not open the socket: put it into the group that owns it (usermod -aG docker), which gives it all rights on this host, or let it ask through a proxy`
    return new ConnectionFailure(kind, address, { detail: missing, cause })
  }
  if (kind !== 'refused') return error
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const why = isMissing ? say`there is no such socket` : say`the socket is left over from a dead engine`
  return new ConnectionFailure(kind, address, { detail: isSocket ? why : detail, advice: deadAdvice, cause })
}

const deadAdvice = say`start it (systemctl start docker) and see in its log why it ended (journalctl -u docker); without live-restore all containers are down as well`
const hungAdvice = say`the engine hangs and neither starts nor restarts anything: look whether it is stopped (SIGSTOP) or waits for a disk, then restart it (systemctl restart docker)`
