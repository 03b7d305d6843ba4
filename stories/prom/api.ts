import {
  CannotTell,
  ConnectionFailure,
  parseJson,
  type Response,
  request,
  type Secret,
  type ServerUrl,
  say,
  z,
} from 'healthz'

/** How a server is reached. */
export interface Access {
  readonly url: ServerUrl
  readonly user?: string | undefined
  readonly password?: Secret | undefined
  readonly token?: Secret | undefined
  readonly ca?: string | undefined
  readonly insecure: boolean
}

/** Asks for a path below the URL; takes any status as an answer. @throws ConnectionFailure */
export function fetchFrom(
  access: Access,
  path: string,
  { signal, timeout, maxBody = 8_388_608 }: { signal: AbortSignal; timeout: number; maxBody?: number },
): Promise<Response> {
  const { url, token, ca, insecure } = access
  const target = path === '' ? url.url : new URL(url.url.pathname.replace(/\/$/, '') + path, url.url)
  return request(target, {
    user: access.user ?? url.user,
    password: access.password ?? url.password,
    ca,
    insecure,
    signal,
    timeout,
    connectTimeout: Math.min(3000, timeout),
    maxBody,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token.reveal()}` }) },
  })
}

/** What a 401 or 403 means. */
export function refusedLogin({ url, user, token }: Access, status: number): ConnectionFailure {
  const address = url.url.host
  const named = user ?? url.user
  if (named === undefined && token === undefined) return new ConnectionFailure('auth-missing', address)
  const detail = named === undefined ? say`login with the token` : say`login as ${named}`
  return new ConnectionFailure(status === 401 ? 'auth-failed' : 'not-allowed', address, { detail })
}

/** A Prometheus refused a question, or failed over it. */
export class Refused extends CannotTell {
  /** `bad_data`, `execution`, `timeout`... */
  readonly type: string
  /** In the server's words: they quote the query. */
  readonly words: string

  constructor(type: string, words: string) {
    super(say`Prometheus says: ${words}`)
    this.type = type
    this.words = words
  }
}

/** What an answer of the API holds. @throws ConnectionFailure, Refused or CannotTell */
export function dataOf<T>(access: Access, { status, body, isTruncated }: Response, shape: z.ZodType<T>): T {
  if (status === 401 || status === 403) throw refusedLogin(access, status)
  if (isTruncated) throw new CannotTell(say`the answer of Prometheus is too long to be read`)
  const document = parseJson(body)
  const failed = failure.safeParse(document).data
  if (failed !== undefined)
    throw new Refused(failed.errorType, failed.error.replace(/\s+/g, ' ').slice(0, 300))
  if (status === 404) throw new CannotTell(say`this server has no such question in its API`)
  if (status !== 200) throw new CannotTell(say`Prometheus answered with HTTP status ${String(status)}`)
  const { success, data } = z.looseObject({ status: z.literal('success'), data: shape }).safeParse(document)
  if (!success) throw new CannotTell(say`Prometheus gave an answer of another form`)
  return data.data
}

const failure = z.looseObject({ status: z.literal('error'), errorType: z.string(), error: z.string() })
