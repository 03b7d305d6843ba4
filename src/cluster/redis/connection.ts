import type { Redis } from 'ioredis'
import type { CoordinatorPlan } from '../../core/cluster.ts'
import type { CoordinatorLost } from '../../core/redis-link.ts'
import type { Secret } from '../../core/secret.ts'
import { addressOf, closed, lostBy, type Place, RedisReplyError, silent, thrownFor } from './fault.ts'

export interface Access {
  readonly user: string | undefined
  readonly password: Secret | undefined
  readonly tls: CoordinatorPlan['tls']
  /** What `CLIENT LIST` shows. Letters and colons. */
  readonly name: string
  readonly database: number
  /** Ends the connection, also while it is being opened. */
  readonly signal: AbortSignal
}

export type Command = readonly [name: string, ...args: (string | number)[]]

/** One connection to one server, never made anew: whatever breaks it, breaks it for good. */
export interface Connection extends Disposable {
  readonly place: Place
  /** `host:port` */
  readonly address: string
  /** Aborts when the connection is over; its reason is a CoordinatorLost. */
  readonly over: AbortSignal
  /** A password is configured, and the server wants none. */
  readonly isOpenToAll: boolean
  /**
   * Sends commands in one go, and gives the reply or the error of each. An error that Redis itself answers with
   * stays one of that command. When a reply is not there after `ms` the connection is over: the command may still be
   * in a buffer and be done later, so nothing that comes after it could be understood.
   */
  send(commands: readonly Command[], ms: number): Promise<readonly PromiseSettledResult<unknown>[]>
  /** As `send` for one command; throws its error. */
  ask(command: Command, ms: number): Promise<unknown>
  /** Hears a channel; the connection does nothing else from then on but PING. */
  subscribe(channel: string, onMessage: (message: string) => void, ms: number): Promise<void>
  end(reason: CoordinatorLost): void
}

/**
 * Connects, logs in and chooses the database within `ms`.
 * @throws CoordinatorLost
 */
export async function openConnection(place: Place, access: Access, ms: number): Promise<Connection> {
  const { Redis } = await import('ioredis')
  const start = performance.now()
  const connection = new LiveConnection(place, new Redis(settingsOf(place, access)))
  const { signal } = access
  const stop = () => connection.end(closed(connection.address))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  connection.over.addEventListener('abort', () => signal.removeEventListener('abort', stop), { once: true })
  try {
    if (connection.over.aborted) throw connection.over.reason
    await connection.connected(ms)
    await connection.logIn(access, Math.max(1, ms - (performance.now() - start)))
    return connection
  } catch (error) {
    const lost = lostBy(error, connection.address)
    connection.end(lost)
    throw lost
  }
}

/** The library connects once and says nothing of its own: login, retries and deadlines are ours. */
function settingsOf({ host, port }: Place, { tls }: Access) {
  return {
    host,
    port,
    ...(tls !== null && {
      tls: { rejectUnauthorized: !tls.insecure, ...(tls.ca !== undefined && { ca: tls.ca }) },
    }),
    protocol: 2 as const,
    lazyConnect: true,
    // Its own deadline would not tell a server that hangs from one that is not there.
    connectTimeout: 0,
    keepAlive: 5000,
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: null,
    maxRetriesPerRequest: null,
  }
}

class LiveConnection implements Connection {
  readonly place: Place
  readonly address: string
  isOpenToAll = false
  readonly #client: Redis
  readonly #over = new AbortController()
  /** Why a connection broke comes as an event only. */
  #heard: unknown = null

  constructor(place: Place, client: Redis) {
    this.place = place
    this.address = addressOf(place)
    this.#client = client
    client.on('error', (error: unknown) => {
      this.#heard ??= error
    })
    client.on('end', () => this.end(lostBy(this.#heard, this.address)))
  }

  get over(): AbortSignal {
    return this.#over.signal
  }

  async connected(ms: number): Promise<void> {
    await this.#within(this.#client.connect(), ms)
  }

  async logIn({ user, password, name, database }: Access, ms: number): Promise<void> {
    const auth: Command | null =
      password === undefined
        ? null
        : user === undefined
          ? ['AUTH', password.reveal()]
          : ['AUTH', user, password.reveal()]
    const select: Command | null = database === 0 ? null : ['SELECT', database]
    const commands = [auth, select, ['CLIENT', 'SETNAME', name] as const].filter((c) => c !== null)
    const results = await this.send(commands, ms)
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue
      const command = commands[index]
      if (command === auth && wantsNoPassword(result.reason)) this.isOpenToAll = true
      else if (command === auth || command === select || this.over.aborted) throw result.reason
    }
  }

  async send(commands: readonly Command[], ms: number): Promise<readonly PromiseSettledResult<unknown>[]> {
    return Promise.allSettled(commands.map((command) => this.#exchange(command, ms)))
  }

  async ask(command: Command, ms: number): Promise<unknown> {
    return this.#exchange(command, ms)
  }

  async subscribe(channel: string, onMessage: (message: string) => void, ms: number): Promise<void> {
    this.#client.on('message', (_channel: string, message: string) => onMessage(message))
    await this.#settled(this.#client.subscribe(channel), ms)
  }

  end(reason: CoordinatorLost): void {
    if (this.over.aborted) return
    this.#over.abort(reason)
    this.#client.disconnect()
    // Else it waits for the other side's consent.
    this.#client.stream?.destroy()
  }

  [Symbol.dispose](): void {
    this.end(closed(this.address))
  }

  async #exchange([name, ...args]: Command, ms: number): Promise<unknown> {
    return this.#settled(this.#client.call(name, ...args), ms)
  }

  async #settled(work: Promise<unknown>, ms: number): Promise<unknown> {
    try {
      return await this.#within(work, ms)
    } catch (error) {
      if (isReply(error)) throw thrownFor(new RedisReplyError(error.message), this.address)
      throw this.over.aborted ? this.over.reason : lostBy(error, this.address)
    }
  }

  /** The deadline is ours alone: those of the library leave some calls unsettled. */
  async #within<Result>(work: Promise<Result>, ms: number): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const timer = setTimeout(() => {
      const lost = silent(this.address, this.#client.stream?.connecting === false)
      this.end(lost)
      reject(lost)
    }, ms)
    work.then(resolve, (error: unknown) => reject(this.#heardInstead(error)))
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** A reply says for itself what is wrong; of a broken connection only the event tells why. */
  #heardInstead(error: unknown): unknown {
    return isReply(error) ? error : (this.#heard ?? error)
  }
}

/** The library gives these no class that it exports with a type. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

function wantsNoPassword(error: unknown): boolean {
  return error instanceof Error && /without any password configured|no password is set/.test(error.message)
}
