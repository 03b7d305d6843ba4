import {
  bytes,
  CannotTell,
  ConnectionFailure,
  DidNotHelp,
  type RequestOptions,
  type Response,
  request,
  say,
  type Text,
  z,
} from 'healthz'
import type { Access } from './access.ts'

/** The API of a cluster. Each call is a connection of its own, so there is nothing to close. */
export interface Api {
  /** `host:port`. */
  readonly address: string
  /** An answer of any status. */
  ask(path: string, signal: AbortSignal): Promise<Response>
  /** All of a kind, page by page. @throws CannotTell that names the missing right */
  list<T>(where: Listed, item: z.ZodType<T>, signal: AbortSignal): Promise<List<T>>
  /** One; null where there is none. */
  find<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null>
  /** Runs an act of a cure. @throws DidNotHelp */
  act(act: Act, signal: AbortSignal): Promise<void>
}

export interface Listed {
  /** `/apis/apps/v1`. */
  readonly group: string
  /** `deployments`. */
  readonly resource: string
  /** null: of all namespaces, or of a kind that has none. */
  readonly namespace: string | null
  readonly fieldSelector?: string
}

export interface List<T> {
  readonly items: readonly T[]
  /** Wall milliseconds on the clock of the API server. */
  readonly at: number
}

export interface Act {
  readonly method: 'PATCH' | 'DELETE'
  readonly path: string
  readonly body: unknown
  /** The right that it takes: `patch deployments`. */
  readonly right: string
}

export function clusterApi(access: Access): Api {
  const { url, token, cert, key, user, password, ca, insecure } = access
  const send = (path: string, signal: AbortSignal, more: Partial<RequestOptions> = {}) =>
    request(new URL(url.pathname.replace(/\/$/, '') + path, url), {
      ca,
      insecure,
      cert,
      key,
      ...(token === null && { user, password }),
      maxBody,
      timeout: 7000,
      signal,
      ...more,
      headers: {
        accept: 'application/json',
        ...(token !== null && { authorization: `Bearer ${token.reveal()}` }),
        ...more.headers,
      },
    })
  return {
    address: url.host,
    ask: (path, signal) => send(path, signal, { timeout: 3500 }),
    async list(where, item, signal) {
      const shape = z.looseObject({
        metadata: z.looseObject({ continue: z.string().optional() }),
        items: z.array(item),
      })
      const items: z.output<typeof item>[] = []
      for (let next = ''; ; ) {
        const response = await send(pathOf(where, next), signal)
        const page = parsed(answered(response, where), shape)
        items.push(...page.items)
        next = page.metadata.continue ?? ''
        if (next === '') return { items, at: Date.parse(response.headers.date ?? '') || Date.now() }
      }
    },
    async find(path, shape, signal) {
      const response = await send(path, signal)
      return response.status === 404 ? null : parsed(answered(response, { path }), shape)
    },
    async act({ method, path, body, right }, signal) {
      const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json'
      const headers = { 'content-type': type }
      const { status } = await send(path, signal, { method, headers, body: JSON.stringify(body) })
      if (status >= 200 && status < 300) return
      if (status === 401 || status === 403)
        throw new DidNotHelp(say`the watchman's account may not do it: it lacks the right to ${right}`)
      if (status === 404 || status === 409)
        throw new DidNotHelp(say`it was changed or removed in the meantime, so it was left alone`)
      throw new DidNotHelp(say`the API server refused it with HTTP status ${String(status)}`)
    },
  }
}

const maxBody = 67_108_864

function pathOf({ group, resource, namespace, fieldSelector }: Listed, next: string): string {
  const inside = namespace === null ? '' : `/namespaces/${namespace}`
  const query = new URLSearchParams({
    limit: '500',
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(next !== '' && { continue: next }),
  })
  return `${group}${inside}/${resource}?${query}`
}

function answered(response: Response, asked: Partial<Listed> & { readonly path?: string }): Response {
  const { status, isTruncated } = response
  const what = asked.resource ?? asked.path ?? ''
  if (status === 403 || status === 401) {
    throw new CannotTell(
      asked.namespace == null
        ? say`the watchman's account may not list ${what} of the whole cluster: bind the ClusterRole that "healthz stories k8s" shows, or name its "namespaces"`
        : say`the watchman's account may not list ${what} in the namespace ${asked.namespace}: bind a Role with get and list of ${what}`,
    )
  }
  if (status === 404) throw new CannotTell(say`this version of Kubernetes does not know ${what}`)
  if (status === 410) throw new CannotTell(say`the list of ${what} changed too fast to be read`)
  if (status !== 200) throw new CannotTell(say`the API server answered with HTTP status ${String(status)}`)
  if (isTruncated)
    throw new CannotTell(
      say`the answer is longer than ${bytes(maxBody)}; narrow it with the option "namespaces"`,
    )
  return response
}

function parsed<T>({ body }: Response, shape: z.ZodType<T>): T {
  const { success, data } = shape.safeParse(parseJson(body))
  if (!success) throw new CannotTell(say`the API server gave an answer of another form`)
  return data
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // no JSON: no shape accepts it
  }
}

/** `/version` answers whoever is let in at all; who cannot prove who it is is refused everywhere. */
export async function enter(
  api: Api,
  { token, cert, user }: Pick<Access, 'token' | 'cert' | 'user'>,
  signal: AbortSignal,
): Promise<string> {
  const { address } = api
  const { status, body } = await api.ask('/version', signal)
  const isNobody = token === null && cert === undefined && user === undefined
  if (status === 401 || (status === 403 && isNobody)) {
    if (isNobody) throw new ConnectionFailure('auth-missing', address, { advice: tokenAdvice })
    const hasCertificateOnly = token === null && cert !== undefined
    throw new ConnectionFailure('auth-failed', address, {
      detail: refused(hasCertificateOnly, token !== null),
      advice: hasCertificateOnly ? certificateAdvice : tokenAdvice,
    })
  }
  if (status === 403)
    throw new ConnectionFailure('not-allowed', address, { detail: say`its account may not ask GET /version` })
  if (status === 503 || status === 429) throw new ConnectionFailure('starting', address)
  const version = versionShape.safeParse(parseJson(body)).data
  if (version !== undefined) return version.gitVersion
  throw new ConnectionFailure('protocol', address, {
    detail: say`it answers, but is no API server of Kubernetes`,
  })
}

function refused(hasCertificateOnly: boolean, hasToken: boolean): Text {
  if (hasCertificateOnly) return say`its certificate is not known or has ended`
  return hasToken
    ? say`its token is not known or has ended`
    : say`it takes no user with a password, or not this one`
}

const versionShape = z.looseObject({ gitVersion: z.string() })

const tokenAdvice = say`give this entry a token of a service account: kubectl create token healthz -n healthz; in a pod its own is used`

const certificateAdvice = say`give this entry a certificate that the cluster's own authority has signed (kubectl certificate approve), or a token: kubectl create token healthz -n healthz`
