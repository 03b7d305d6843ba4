import {
  CannotTell,
  ConnectionFailure,
  type OpenContext,
  type Response,
  say,
  shareInFlight,
  stepOf,
  type Text,
  z,
} from 'healthz'
import { type Api, type Ask, apiOf, documentOf, greet, notInThis, refusedLogin, type Version } from './api.ts'
import { type Figures, readFigures } from './figures.ts'
import { NotPermitted, runStatement, type Table } from './influxql.ts'
import type { Options } from './options.ts'

/** An InfluxDB that answers and lets the watchman in. */
export interface Influx {
  readonly address: string
  readonly user: string
  readonly version: Version
  /** Takes any status as an answer. @throws ConnectionFailure */
  ask(path: string, signal: AbortSignal, more?: Ask): Promise<Response>
  /** Runs one statement of InfluxQL. @throws CannotTell that names the missing right, or why it failed. */
  run(statement: string, signal: AbortSignal, database?: string): Promise<readonly Table[]>
  /** The databases (or buckets) that the user sees; asked once for the steps that ask together. */
  databases(signal: AbortSignal): Promise<readonly Database[]>
  /** What the server counts of itself; asked once for the steps that ask together. @throws CannotTell */
  figures(signal: AbortSignal): Promise<Figures>
}

export interface Database {
  readonly name: string
  /** What the server's own figures call it. */
  readonly id: string
}

/** Declares a step of this story. */
export const step = stepOf<Influx, Options>()

/** Milliseconds; the opening has 5 s, and must be able to say what it waited for. */
const openDeadline = 4500

/** @throws ConnectionFailure when it does not answer or does not let the user in. */
export async function openInflux({ options, signal }: OpenContext<Options>): Promise<Influx> {
  const start = performance.now()
  const left = () => Math.max(100, openDeadline - (performance.now() - start))
  const api = apiOf(options)
  const { version, scheme } = await greet(api, signal, 3000)
  const ask: Api['ask'] = (path, within, more) => api.ask(path, within, { scheme, ...more })
  const spoken: Api = { ...api, ask }
  if (version.major < 3) await logIn(spoken, version, signal, left())
  return {
    address: api.address,
    user: api.user,
    version,
    ask,
    run: (statement, within, database) =>
      runStatement(spoken, statement, within, database === undefined ? {} : { database }),
    databases: shareInFlight((within) => listDatabases(spoken, version, within)),
    figures: shareInFlight((within) => readFigures(spoken, version, within)),
  }
}

/** A ping needs no login, so the databases are asked for: that needs one, and no right. */
async function logIn(api: Api, version: Version, signal: AbortSignal, timeout: number): Promise<void> {
  try {
    await listDatabases(api, version, signal, timeout)
  } catch (error) {
    if (error instanceof NotPermitted)
      throw new ConnectionFailure('auth-failed', api.address, { detail: error.reason })
    if (error instanceof CannotTell) throw new ListsNothing(api.address, error.reason)
    throw error
  }
}

/** It answers a ping and nothing else. */
class ListsNothing extends ConnectionFailure {
  readonly #reason: Text

  constructor(address: string, reason: Text) {
    super('busy', address, { advice: say`see in the log of InfluxDB why it cannot list its databases` })
    this.#reason = reason
  }

  override get summary(): Text {
    return say`${this.address} answers a ping, but does not list its databases: ${this.#reason}`
  }
}

async function listDatabases(
  api: Api,
  version: Version,
  signal: AbortSignal,
  timeout = 7000,
): Promise<readonly Database[]> {
  if (version.major >= 3) throw notInThis(version)
  if (version.major === 2) return listBuckets(api, signal, timeout)
  const tables = await runStatement(api, 'SHOW DATABASES', signal, { timeout })
  return tables.flatMap(({ rows }) => rows.map(({ name }) => ({ name: String(name), id: String(name) })))
}

async function listBuckets(api: Api, signal: AbortSignal, timeout: number): Promise<readonly Database[]> {
  const found: Database[] = []
  for (let offset = 0; offset < 2000; offset += page) {
    const path = `/api/v2/buckets?limit=${page}&offset=${offset}`
    const response = await api.ask(path, signal, { timeout })
    if (response.status === 401 || response.status === 403) throw refusedLogin(api, 401)
    if (response.status === 503) throw new ConnectionFailure('starting', api.address)
    const { buckets } = documentOf(response, list)
    found.push(...buckets)
    if (buckets.length < page) break
  }
  return found
}

/** The most that one answer may hold. */
const page = 100

const list = z.looseObject({ buckets: z.array(z.looseObject({ id: z.string(), name: z.string() })) })
