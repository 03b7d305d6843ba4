import type { Redis } from 'ioredis'
import { ConnectionFailure, failureOf } from '../../core/failure.ts'
import type { ServerUrl } from '../../core/options.ts'
import type { Secret } from '../../core/secret.ts'
import { CannotTell } from '../../core/story.ts'
import { milliseconds, say } from '../../core/text.ts'
import { beforeDeadline } from '../deadline.ts'
import { RedisInfo } from './info.ts'
import { stillLoading } from './loading.ts'
import { type Asked, RedisRefusal, refusalOf } from './refusal.ts'
import { endpointOf, whyClosed, whySilent, whyUntrusted } from './silence.ts'

export interface RedisAccess {
  /** `redis:` or `rediss:`; its path may name a database. */
  readonly url: ServerUrl
  /** Where given, they win over those of the URL. */
  readonly user?: string | undefined
  readonly password?: Secret | undefined
  /** Authorities trusted instead of the system's, as PEM. */
  readonly ca?: string | undefined
  /** Accept any certificate. */
  readonly insecure?: boolean | undefined
  /** The version of Redis' own protocol; 2 for old servers and proxies. Default 3. */
  readonly protocol?: 2 | 3 | undefined
  /** Milliseconds until TCP, TLS and login must stand and a PING must be answered. Default 3000. */
  readonly connectTimeout?: number
  /** Milliseconds until a command must be answered. Default 5000. */
  readonly commandTimeout?: number
  /** Milliseconds that a server may take to load its data until that is critical. Default 15 minutes. */
  readonly startingMax?: number
  /** Connects all the same to a server that a script blocks, or to a replica that refuses to serve. */
  readonly evenIf?: readonly ('BUSY' | 'MASTERDOWN')[]
  readonly signal: AbortSignal
}

/** One connection, never renewed: once it is lost, every call says for what reason. */
export interface RedisConnection extends Disposable {
  /** `host:port`. */
  readonly address: string
  /** Where it is, without credentials. */
  readonly url: URL
  /**
   * Sends one command; its reply has the shape of protocol 2.
   * @throws ConnectionFailure when there is no answer, or the server does not serve or does not allow this;
   * CannotTell when it does not know the command; RedisRefusal for the command's own errors.
   */
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** INFO of these sections. */
  info(...sections: readonly string[]): Promise<RedisInfo>
}

/**
 * Connects and logs in to one Redis server that answers. A server that cannot save to its disk (MISCONF), or does not
 * let this user PING, answers too.
 * @throws ConnectionFailure whose kind tells why not. No error of it holds a password or an argument.
 */
export async function connectRedis(access: RedisAccess): Promise<RedisConnection> {
  access.signal.throwIfAborted()
  const { Redis } = await import('ioredis')
  const connection = new Connection(new Redis(settingsOf(access)), access)
  await connection.open()
  return connection
}

function settingsOf(access: RedisAccess) {
  const { url } = access.url
  const { user, password } = loginOf(access)
  return {
    ...endpointOf(url),
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(url.protocol === 'rediss:' && {
      tls: {
        rejectUnauthorized: access.insecure !== true,
        ...(access.ca !== undefined && { ca: access.ca }),
      },
    }),
    protocol: access.protocol ?? 3,
    connectionName: 'healthz',
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    disableClientInfo: true,
    retryStrategy: null,
    maxRetriesPerRequest: null,
  }
}

const loginOf = (access: RedisAccess) => ({
  user: access.user ?? access.url.user,
  password: access.password ?? access.url.password,
})

class Connection implements RedisConnection {
  readonly address: string
  readonly url: URL
  readonly #client: Redis
  readonly #access: RedisAccess
  /** Why a connect failed comes as an event only: the promise says no more than that the connection is closed. */
  #heard: unknown = null
  #lost: ConnectionFailure | null = null

  constructor(client: Redis, access: RedisAccess) {
    const { url } = access.url
    this.address = `${url.hostname}:${endpointOf(url).port}`
    this.url = url
    this.#client = client
    this.#access = access
    client.on('error', (error: unknown) => {
      // What the server said is the reason; the broken pipe after it is not.
      if (!isReply(this.#heard)) this.#heard = error
    })
  }

  async open(): Promise<void> {
    const { connectTimeout = 3000, signal } = this.#access
    const silence = () => {
      const isTcpUp = this.#client.stream?.connecting === false
      const detail = say`nothing within ${milliseconds(connectTimeout)}`
      return new ConnectionFailure(isTcpUp ? 'timeout-reply' : 'timeout-connect', this.address, { detail })
    }
    try {
      await beforeDeadline(this.#logIn(), connectTimeout, silence, signal)
    } catch (error) {
      this[Symbol.dispose]()
      signal.throwIfAborted()
      throw await this.#whyUnopened(error)
    }
  }

  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    if (this.#lost !== null) throw this.#lost
    const { commandTimeout = 5000 } = this.#access
    const silence = () => {
      const detail = say`nothing within ${milliseconds(commandTimeout)}`
      return new ConnectionFailure('timeout-reply', this.address, { detail })
    }
    try {
      return await beforeDeadline(this.#client.call(command, ...args), commandTimeout, silence)
    } catch (error) {
      if (isReply(error)) throw refusalOf(error.message, this.#asked(command, args))
      // What is still under way fails with the same reason: late answers are worth nothing.
      this.#lost ??=
        failureOf(error, this.address) ??
        failureOf(this.#heard, this.address) ??
        new ConnectionFailure('reset', this.address)
      this[Symbol.dispose]()
      throw this.#lost
    }
  }

  async info(...sections: readonly string[]): Promise<RedisInfo> {
    const replies = await Promise.all(sections.map((section) => this.call('INFO', section)))
    return new RedisInfo(replies.join('\n'))
  }

  [Symbol.dispose](): void {
    this.#client.disconnect()
    this.#client.stream?.destroy()
  }

  async #logIn(): Promise<void> {
    await this.#client.connect()
    const { startingMax = 900_000, evenIf = [], url } = this.#access
    const refused = await this.#ping()
    if (refused?.startsWith('LOADING')) throw await stillLoading(this, startingMax)
    const isTolerable = ['MISCONF', 'NOPERM', ...evenIf].some((code) => refused?.startsWith(code))
    if (refused !== null && !isTolerable) throw refusalOf(refused, this.#asked('PING', []))
    const database = url.url.pathname.slice(1)
    if (database !== '') await this.call('SELECT', database)
  }

  /** What the server says against a PING; null where it answers it. */
  async #ping(): Promise<string | null> {
    try {
      await this.#client.call('PING')
      return null
    } catch (error) {
      if (isReply(error)) return error.message
      throw error
    }
  }

  async #whyUnopened(error: unknown): Promise<unknown> {
    const { url, signal } = this.#access
    if (error instanceof CannotTell || error instanceof RedisRefusal) return error
    const reason = error instanceof ConnectionFailure ? error : (this.#heard ?? error)
    if (isReply(reason)) return refusalOf(reason.message, this.#asked('HELLO', []))
    const failure = failureOf(reason, this.address)
    if (failure?.kind === 'timeout-reply') return whySilent(failure, url.url, signal)
    if (failure?.kind.startsWith('tls-')) return whyUntrusted(failure, url.url, signal)
    if (failure !== null && failure.kind !== 'reset') return failure
    if (isForeign(reason)) return new ConnectionFailure('protocol', this.address)
    const closed = failure ?? new ConnectionFailure('reset', this.address)
    return whyClosed(closed, url.url, this.#asked('HELLO', []), signal)
  }

  #asked(command: string, args: readonly (string | number)[]): Asked {
    const { user, password } = loginOf(this.#access)
    return {
      address: this.address,
      command,
      args,
      user: user ?? 'default',
      hasPassword: password !== undefined,
    }
  }
}

/** The library gives these no class that it exports with a type. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The library's parser gives no code. */
function isForeign(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unknown RESP type')
}
