import { CannotTell, ConnectionFailure, type OpenContext, say, stepOf, type Text, type z } from 'healthz'
import { type Access, dataOf, fetchFrom, refusedLogin } from './api.ts'
import type { Options } from './options.ts'
import { type Answer, answer } from './values.ts'

/** A Prometheus that is ready; where only pages are scraped, there is none. */
export interface Prometheus {
  readonly address: string
  /** Runs a query. @throws CannotTell, of which Refused says why. */
  query(promql: string, signal: AbortSignal): Promise<Answer>
  /** The `data` of an answer of its API. @throws CannotTell */
  get<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T>
  /** Where people see the query's result. */
  link(promql: string): string
}

/** Declares a step of this story. */
export const step = stepOf<Prometheus, Options>()

/** @throws ConnectionFailure when it does not answer, does not let the watchman in, or is not ready. */
export async function openPrometheus({ options, signal }: OpenContext<Options>): Promise<Prometheus> {
  const { url, timeout } = options
  if (url === undefined) return nobody
  const access: Access = { ...options, url }
  await mustBeReady(access, signal)
  const get: Prometheus['get'] = async (path, shape, within) =>
    dataOf(access, await fetchFrom(access, path, { signal: within, timeout: timeout + spare }), shape)
  return {
    address: url.url.host,
    get,
    query: (promql, within) => {
      const asked = new URLSearchParams({ query: promql, timeout: `${timeout}ms` })
      return get(`/api/v1/query?${asked}`, answer, within)
    },
    link: (promql) => {
      const shown = new URLSearchParams({ 'g0.expr': promql, 'g0.tab': '1' })
      return `${url.url.href.replace(/\/$/, '')}/graph?${shown}`
    },
  }
}

/** Milliseconds more than a query may take, so that the server can say itself that it took too long. */
const spare = 1500

/** Others that speak the API (VictoriaMetrics, Thanos, Mimir) may not know the path: 404 is as good as ready. */
async function mustBeReady(access: Access, signal: AbortSignal): Promise<void> {
  const { status } = await fetchFrom(access, '/-/ready', { signal, timeout: 4000 })
  if (status === 200 || status === 404) return
  if (status === 401 || status === 403) throw refusedLogin(access, status)
  const { host } = access.url.url
  if (status === 503) throw new NotReady(host)
  const detail = say`HTTP status ${String(status)}`
  throw new ConnectionFailure('protocol', host, { detail })
}

/** A Prometheus that is not ready gathers nothing and answers nothing: whoever relies on it is blind. */
class NotReady extends ConnectionFailure {
  constructor(address: string) {
    const advice = say`it reads its write-ahead log after a start, which may take minutes; if it does not end, look into its log`
    super('starting', address, { advice })
  }

  override get severity() {
    return 'critical' as const
  }

  override get summary(): Text {
    return say`${this.address} answers, but is not ready to serve queries`
  }
}

const absent = () => Promise.reject(new CannotTell(say`no Prometheus is configured`))

const nobody: Prometheus = { address: '', query: absent, get: absent, link: () => '' }
