import { ConnectionFailure } from '../../core/failure.ts'
import { say } from '../../core/text.ts'
import type { RedisConnection } from './connection.ts'

/** A server that is connected to when it is first asked for, and again after that failed. */
export class LazyRedis implements Disposable {
  readonly #connect: (signal: AbortSignal) => Promise<RedisConnection>
  readonly #closing = new AbortController()
  #connecting: Promise<RedisConnection> | null = null

  constructor(connect: (signal: AbortSignal) => Promise<RedisConnection>) {
    this.#connect = connect
  }

  async reach(): Promise<RedisConnection | ConnectionFailure> {
    this.#connecting ??= this.#connect(this.#closing.signal)
    try {
      return await this.#connecting
    } catch (error) {
      this.#connecting = null
      if (error instanceof ConnectionFailure) return error
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    this.#connecting?.then(
      (connection) => connection[Symbol.dispose](),
      () => {}, // whoever asked was told
    )
  }
}

/** Those that answer, and why the others do not. */
export async function reachAll(servers: readonly LazyRedis[]): Promise<{
  readonly reached: readonly RedisConnection[]
  readonly unreached: readonly ConnectionFailure[]
}> {
  const tried = await Promise.all(servers.map((server) => server.reach()))
  return {
    reached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [] : [found])),
    unreached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [found] : [])),
  }
}

/** As long as `work` takes, the servers are given up when the signal says so. */
export async function givenUpWith<Result>(
  signal: AbortSignal,
  servers: readonly LazyRedis[],
  work: () => Promise<Result>,
): Promise<Result> {
  const giveUp = () => {
    for (const server of servers) server[Symbol.dispose]()
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await work()
  } finally {
    signal.removeEventListener('abort', giveUp)
    signal.throwIfAborted()
  }
}

/** Of several that could not be reached the one that says most: a server that spoke. */
export function mostTelling(failures: readonly ConnectionFailure[]): ConnectionFailure | undefined {
  const said = failures.find(({ kind }) => !silent.has(kind))
  const [first, ...others] = failures
  if (said !== undefined || first === undefined || others.length === 0) return said ?? first
  const detail = say`nor do ${others.map(({ address }) => address)} answer`
  return new ConnectionFailure(first.kind, first.address, { detail, cause: first.cause })
}

const silent: ReadonlySet<string> = new Set(['refused', 'timeout-connect', 'timeout-reply', 'dns'])
