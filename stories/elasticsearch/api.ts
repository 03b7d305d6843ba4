import {
  bytes,
  CannotTell,
  ConnectionFailure,
  DidNotHelp,
  lookAtTls,
  parseJson,
  type Response,
  request,
  type ServerUrl,
  say,
  type Text,
  z,
} from 'healthz'
import type { Options } from './options.ts'
import { isRefusal, missingRight } from './refusal.ts'
import { masterWait, type Version } from './version.ts'

/** The HTTP API of one node. Each call is a connection of its own, so there is nothing to close. */
export interface Api {
  readonly address: string
  /** Who asks: "the user watchman". */
  readonly who: Text
  /**
   * Looks who is there. Whether the node knows the elected master is null where it may not be asked.
   * @throws ConnectionFailure unless the node answers and lets the user in.
   */
  enter(signal: AbortSignal): Promise<Entered>
  /** @throws CannotTell that names the missing right, ConnectionFailure where the node does not serve. */
  get<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T>
  /** As `get`; null where there is no such thing, or this version does not know the path. */
  find<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null>
  /** Runs an act of a cure. @throws DidNotHelp */
  act(method: 'POST' | 'PUT', path: string, signal: AbortSignal, body?: object): Promise<void>
}

export interface Entered {
  readonly api: Api
  readonly cluster: string
  readonly version: Version
  readonly hasMaster: boolean | null
}

export function apiOf({ url, ...login }: ServerUrl, options: Options): Api {
  const address = url.host
  const user = options.user ?? login.user
  const key = options.apiKey
  const access = {
    user: key === undefined ? user : undefined,
    password: options.password ?? login.password,
    ca: options.ca,
    insecure: options.insecure,
  }
  const who = key === undefined ? say`the user ${user ?? 'nobody'}` : say`the API key`
  const authorization = key === undefined ? {} : { authorization: `ApiKey ${key.reveal()}` }
  const ask = (
    path: string,
    signal: AbortSignal,
    { body, ...more }: { method?: string; timeout: number; body?: object },
  ): Promise<Response> =>
    request(new URL(url.pathname.replace(/\/$/, '') + path, url), {
      ...access,
      ...more,
      headers: { ...authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      maxBody,
      signal,
    })

  const find: Api['find'] = async (path, shape, signal) => {
    const response = await ask(path, signal, { timeout: answerDeadline })
    // 400 and 405: the path is taken for an index, or its parameters are not known.
    if ([400, 404, 405].includes(response.status)) return null
    return parsed(answered(response, address, who), shape)
  }
  const api: Api = {
    address,
    who,
    find,
    get: async (path, shape, signal) => {
      const found = await find(path, shape, signal)
      if (found === null) throw new CannotTell(say`this version does not tell`)
      return found
    },
    act: async (method, path, signal, body) => {
      const more = body === undefined ? {} : { body }
      const { status, body: said } = await ask(path, signal, { method, timeout: answerDeadline, ...more })
      if (status >= 200 && status < 300) return
      if (status === 403) throw new DidNotHelp(missingRight(said, who))
      throw new DidNotHelp(say`the cluster refused it with HTTP status ${String(status)}`)
    },
    enter: async (signal) => {
      const response = await askPlainly(url, () => ask(whoPath, signal, { timeout: enterDeadline }), signal)
      const { cluster, version } = admit(response, address, who, key !== undefined || user !== undefined)
      const health = await ask(`/_cluster/health?filter_path=status&${masterWait(version)}`, signal, {
        timeout: enterDeadline,
      })
      const hasMaster = health.status === 403 ? null : health.status !== 503
      return { api, cluster, version, hasMaster }
    },
  }
  return api
}

/** It works without a master, and tells the true version even where an OpenSearch passes for something older. */
const whoPath = '/_nodes/_local?filter_path=cluster_name,nodes.*.version,nodes.*.build_flavor'

/** Milliseconds; a node that hangs is told from one that is slow. */
const enterDeadline = 3500
/** Less than a step's deadline, so that it can still say what it waited for. */
const answerDeadline = 7000
/** An index takes about 300 bytes of the longest answer. */
const maxBody = 33_554_432

/** A port that speaks TLS closes on plain HTTP without a word. */
async function askPlainly(url: URL, ask: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ConnectionFailure) || error.kind !== 'reset' || url.protocol === 'https:')
      throw error
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const seen = await lookAtTls({ host, port: Number(url.port) || 80 }, { signal }).catch(() => null)
    if (seen === null) throw error
    const detail = say`it speaks TLS`
    const advice = say`write https:// in place of http:// in the option "nodes"`
    throw new ConnectionFailure('protocol', error.address, { detail, advice, cause: error })
  }
}

function admit(
  response: Response,
  address: string,
  who: Text,
  hasLogin: boolean,
): Pick<Entered, 'cluster' | 'version'> {
  const { status, body, headers } = response
  if (status === 401) {
    if (!hasLogin) throw new ConnectionFailure('auth-missing', address)
    throw new ConnectionFailure('auth-failed', address, { detail: say`login as ${who}` })
  }
  if (status === 403 && isRefusal(body))
    throw new ConnectionFailure('not-allowed', address, { detail: missingRight(body, who) })
  if (status === 503) throw new ConnectionFailure('starting', address)
  const found = status === 200 ? whoShape.safeParse(parseJson(body)).data : undefined
  const [node] = Object.values(found?.nodes ?? {})
  if (found === undefined || node === undefined) {
    const detail = say`HTTP status ${status} instead of Elasticsearch or OpenSearch`
    throw new ConnectionFailure('protocol', address, { detail })
  }
  const isElastic = headers['x-elastic-product'] !== undefined || node.build_flavor !== undefined
  const product = isElastic ? 'elasticsearch' : 'opensearch'
  return { cluster: found.cluster_name, version: { product, number: node.version } }
}

const whoShape = z.looseObject({
  cluster_name: z.string(),
  nodes: z.record(z.string(), z.looseObject({ version: z.string(), build_flavor: z.string().optional() })),
})

function answered(response: Response, address: string, who: Text): Response {
  const { status, body, isTruncated } = response
  if (status === 401) throw new ConnectionFailure('auth-failed', address, { detail: say`login as ${who}` })
  if (status === 403) throw new CannotTell(missingRight(body, who))
  if (status === 429)
    throw new CannotTell(say`the node is too busy to answer: it refuses requests to spare its memory`)
  if (status === 503)
    throw new ConnectionFailure('starting', address, { detail: say`it knows no elected master` })
  if (status !== 200) throw new CannotTell(say`the cluster answered with HTTP status ${String(status)}`)
  if (isTruncated) throw new CannotTell(say`the answer is longer than ${bytes(maxBody)}`)
  return response
}

function parsed<T>({ body }: Response, shape: z.ZodType<T>): T {
  const { success, data } = shape.safeParse(parseJson(body))
  if (!success) throw new CannotTell(say`the cluster gave an answer of another form`)
  return data
}
