import { ConnectionFailure, type RedisConnection } from 'healthz'

/** A node beside the entry's own: connected to when it is first asked for, and again after that failed. */
export class OtherNode implements Disposable {
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
export async function reachAll(others: readonly OtherNode[]): Promise<{
  readonly reached: readonly RedisConnection[]
  readonly unreached: readonly ConnectionFailure[]
}> {
  const tried = await Promise.all(others.map((other) => other.reach()))
  return {
    reached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [] : [found])),
    unreached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [found] : [])),
  }
}
