import { CannotTell, ConnectionFailure, parseJson, type Response, request, say, z } from 'healthz'
import type { Options } from './options.ts'

/** The HTTP API of one server. Each call is a connection of its own, so there is nothing to close. */
export interface Api {
  readonly address: string
  /** Who asks, as people are told of it. */
  readonly user: string
  readonly hasLogin: boolean
  /** Takes any status as an answer. @throws ConnectionFailure */
  ask(path: string, signal: AbortSignal, more?: Ask): Promise<Response>
}

export interface Ask {
  readonly method?: 'GET' | 'POST'
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  /** Milliseconds; less than a step's deadline by default, so that it can still say what it waited for. */
  readonly timeout?: number
  /** How a token is named: InfluxDB 3 says Bearer. */
  readonly scheme?: 'Token' | 'Bearer'
}

export interface Version {
  readonly major: number
  readonly minor: number
  readonly text: string
}

export function apiOf(options: Options): Api {
  const { token, ca, insecure, url } = options
  const user = options.user ?? url.user
  const password = options.password ?? url.password
  const base = url.url.pathname.replace(/\/$/, '')
  return {
    address: url.url.host,
    user: user ?? (token === undefined ? '' : 'token'),
    hasLogin: user !== undefined || token !== undefined,
    ask: (path, signal, { method = 'GET', form, timeout = 7000, scheme = 'Token' } = {}) =>
      request(new URL(base + path, url.url), {
        method,
        user,
        password,
        ca,
        insecure,
        signal,
        timeout,
        connectTimeout: Math.min(3000, timeout),
        maxBody,
        headers: {
          ...(token !== undefined && { authorization: `${scheme} ${token.reveal()}` }),
          ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
      }),
  }
}

/** A shard takes about 3 KiB of the list of counters. */
const maxBody = 33_554_432

/**
 * Which InfluxDB answers, and how it wants a token to be sent.
 * @throws ConnectionFailure unless it is one.
 */
export async function greet(api: Api, signal: AbortSignal, timeout: number): Promise<Greeting> {
  const first = await api.ask('/ping', signal, { timeout })
  const isRefused = first.status === 401 && api.hasLogin
  const response = isRefused ? await api.ask('/ping', signal, { timeout, scheme: 'Bearer' }) : first
  const { status, headers, body } = response
  if (status === 401 || status === 403) throw refusedLogin(api, status)
  if (status === 503) throw new ConnectionFailure('starting', api.address)
  const header = headers['x-influxdb-version']
  const text = typeof header === 'string' ? header : pong.safeParse(parseJson(body)).data?.version
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(text ?? '') ?? []
  if (major === undefined || text === undefined) {
    const detail = say`HTTP status ${String(status)} without the version of an InfluxDB`
    throw new ConnectionFailure('protocol', api.address, { detail })
  }
  const version = { major: Number(major), minor: Number(minor), text: text.replace(/^v/, '') }
  return { version, scheme: version.major >= 3 ? 'Bearer' : 'Token' }
}

export interface Greeting {
  readonly version: Version
  readonly scheme: 'Token' | 'Bearer'
}

const pong = z.looseObject({ version: z.string() })

export function refusedLogin({ address, user, hasLogin }: Api, status: number): ConnectionFailure {
  if (!hasLogin) return new ConnectionFailure('auth-missing', address)
  if (status === 403) return new ConnectionFailure('not-allowed', address, { detail: say`login as ${user}` })
  return new ConnectionFailure('auth-failed', address, { detail: say`login as ${user}` })
}

/** Where what was asked for is not to be had in this version. */
export function notInThis({ text }: Version): CannotTell {
  return new CannotTell(say`InfluxDB ${text} does not tell this; switch this step off`)
}

/** The document of an answer with status 200. @throws CannotTell for any other. */
export function documentOf<T>({ status, body, isTruncated }: Response, shape: z.ZodType<T>): T {
  if (status !== 200) throw new CannotTell(say`InfluxDB answered with HTTP status ${String(status)}`)
  if (isTruncated) throw new CannotTell(say`the answer of InfluxDB is too long to be read`)
  const { success, data } = shape.safeParse(parseJson(body))
  if (!success) throw new CannotTell(say`InfluxDB gave an answer of another form`)
  return data
}
