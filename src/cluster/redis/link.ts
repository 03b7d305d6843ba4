import type { CoordinatorPlan } from '../../core/cluster.ts'
import { CoordinatorLost, type RedisLink, type Script } from '../../core/redis-link.ts'
import { slotOf } from '../../core/redis-slot.ts'
import { createRedactor, findSecrets } from '../../core/secret.ts'
import { type Command, type Connection, openConnection } from './connection.ts'
import { factsOf, type ServerFacts } from './facts.ts'
import { addressOf, type Place, RedisReplyError } from './fault.ts'
import { listenTo } from './hints.ts'
import { type Keeper, keepConnected } from './keeper.ts'
import { dataAccess, locate, sentinelAccess } from './locate.ts'

export interface LinkOptions {
  /** What this connection is for, as `CLIENT LIST` shows it. */
  readonly name: 'control' | 'store' | 'hints'
  /** Milliseconds until a call must be answered, the wait for a connection included. */
  readonly commandTimeout: number
  /** Milliseconds until a server must be connected and have said who it is. */
  readonly connectTimeout: number
  /** All keys lie in the slot of this one; a cluster is asked at the node that serves it. */
  readonly slotKey: string
  /** A connection stands: with the server of this run id. */
  readonly onServer?: (runId: string) => void
}

export interface CoordinatorLink extends RedisLink {
  /** The run id of the server of the latest connection; empty before the first. */
  server(): string
  /** Its version, such as `7.0.15`; empty before the first connection. */
  version(): string
  /**
   * As `run`, and asks on the same connection how many replicas have taken what it wrote: waits for `replicas` of
   * them for up to `wait` milliseconds.
   */
  runReplicated(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    want: { readonly replicas: number; readonly wait: number },
  ): Promise<{ readonly reply: unknown; readonly replicas: number }>
  /** Hears hints, over a connection of its own; those said while it is down are missed. */
  subscribe(channel: string, onMessage: (message: string) => void): AsyncDisposable
}

/**
 * Keeps a connection to the coordinating Redis. Each connection is a new one in all respects, so that nothing that was
 * asked over the one before is ever repeated. With sentinels TLS is spoken to them too.
 */
export function connectLink(plan: CoordinatorPlan, options: LinkOptions): CoordinatorLink {
  return new Link(plan, options)
}

class Link implements CoordinatorLink {
  readonly #plan: CoordinatorPlan
  readonly #options: LinkOptions
  readonly #redact: (text: string) => string
  readonly #whom: string
  readonly #keeper: Keeper
  readonly #watches: readonly AsyncDisposable[]
  readonly #standing = new Set<Connection>()
  #facts: ServerFacts | null = null
  /** Nodes of the cluster that were heard of. */
  #nodes: readonly Place[] = []
  /** Where a node of the cluster has sent us. */
  #moved: Place | null = null

  constructor(plan: CoordinatorPlan, options: LinkOptions) {
    this.#plan = plan
    this.#options = options
    this.#redact = createRedactor(findSecrets(plan))
    this.#whom = plan.servers.map(addressOf).join(', ')
    this.#keeper = keepConnected((signal) => this.#open(signal), this.#whom)
    this.#watches = plan.kind === 'sentinel' ? plan.servers.map((sentinel) => this.#watch(sentinel)) : []
  }

  server(): string {
    return this.#facts?.runId ?? ''
  }

  version(): string {
    return this.#facts?.version ?? ''
  }

  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const [reply] = await this.#exchange([[command, ...args]])
    return reply
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const [reply] = await this.#runThen(script, keys, args, [])
    return reply
  }

  async runReplicated(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    { replicas, wait }: { readonly replicas: number; readonly wait: number },
  ): Promise<{ readonly reply: unknown; readonly replicas: number }> {
    const [reply, taken] = await this.#runThen(script, keys, args, [['WAIT', replicas, wait]])
    return { reply, replicas: Number(taken) }
  }

  subscribe(channel: string, onMessage: (message: string) => void): AsyncDisposable {
    const { connectTimeout } = this.#options
    const open = async (signal: AbortSignal) => (await this.#reach('hints', signal)).connection
    return listenTo(channel, onMessage, { open, whom: this.#whom, timeout: connectTimeout })
  }

  /** A connection that is only being made goes on: nothing was asked over it. */
  reset(): void {
    this.#keeper
      .standing()
      ?.end(new CoordinatorLost('unreachable', `the connection to ${this.#whom} was dropped`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#keeper, ...this.#watches].map((part) => part[Symbol.asyncDispose]()))
  }

  async #runThen(
    { sha, lua }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    more: readonly Command[],
  ): Promise<readonly unknown[]> {
    const deadline = performance.now() + this.#options.commandTimeout
    const rest = [keys.length, ...keys, ...args] as const
    try {
      return await this.#exchange([['EVALSHA', sha, ...rest], ...more], deadline)
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.code !== 'NOSCRIPT') throw error
      return await this.#exchange([['EVAL', lua, ...rest], ...more], deadline)
    }
  }

  /** Sends commands over one connection. Throws the first error among their replies. */
  async #exchange(
    commands: readonly Command[],
    deadline = performance.now() + this.#options.commandTimeout,
  ): Promise<readonly unknown[]> {
    try {
      return await this.#send(commands, deadline, true)
    } catch (error) {
      if (!(error instanceof CoordinatorLost)) throw error
      throw new CoordinatorLost(error.fault, this.#redact(error.message), { cause: error.cause })
    }
  }

  async #send(commands: readonly Command[], deadline: number, mayMove: boolean): Promise<readonly unknown[]> {
    const connection = await this.#keeper.ready(deadline - performance.now())
    const left = deadline - performance.now()
    // A connection just made would be lost again by a call that cannot be answered in time.
    if (left < this.#options.commandTimeout / 4)
      throw new CoordinatorLost('unreachable', `the connection to ${connection.address} stands only just now`)
    const results = await connection.send(commands, left)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed === undefined)
      return results.map((result) => (result.status === 'fulfilled' ? result.value : null))
    const hasMoved = this.#noteMove(failed.reason, connection)
    this.#leaveIfMisplaced(failed.reason, connection)
    // It was refused, so nothing is done twice.
    if (hasMoved && mayMove) return await this.#send(commands, deadline, false)
    throw failed.reason
  }

  #noteMove(error: unknown, connection: Connection): boolean {
    if (this.#plan.kind !== 'cluster' || replyOf(error)?.code !== 'MOVED') return false
    const [, host, port] = / (\S*):(\d+)$/.exec(replyOf(error)?.message ?? '') ?? []
    if (port === undefined) return false
    this.#moved = { host: host || connection.place.host, port: Number(port) }
    return true
  }

  /** Another server is the one to ask: which, is found out by connecting anew. */
  #leaveIfMisplaced(error: unknown, connection: Connection): void {
    const code = replyOf(error)?.code ?? ''
    if (error instanceof CoordinatorLost && misplaced.has(code)) connection.end(error)
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const { connection, facts } = await this.#reach(this.#options.name, signal)
    this.#facts = facts
    this.#options.onServer?.(facts.runId)
    return connection
  }

  async #reach(name: string, signal: AbortSignal): Promise<{ connection: Connection; facts: ServerFacts }> {
    const plan = this.#plan
    const { connectTimeout } = this.#options
    const place = await this.#place(signal)
    const connection = await openConnection(place, dataAccess(plan, name, signal), connectTimeout)
    try {
      const facts = await factsOf(connection, connectTimeout)
      if (plan.kind !== 'standalone' && facts.master !== null)
        throw new CoordinatorLost('readonly', `${connection.address} is no master any more`)
      this.#standing.add(connection)
      connection.over.addEventListener('abort', () => this.#standing.delete(connection), { once: true })
      return { connection, facts }
    } catch (error) {
      connection[Symbol.dispose]()
      throw error
    }
  }

  async #place(signal: AbortSignal): Promise<Place> {
    const moved = this.#moved
    this.#moved = null
    if (moved !== null) return moved
    const { connectTimeout, slotKey } = this.#options
    const seeds = distinct([...this.#plan.servers, ...this.#nodes])
    const search = { plan: this.#plan, seeds, slot: slotOf(slotKey), timeout: connectTimeout, signal }
    const { place, nodes } = await locate(search)
    this.#nodes = nodes
    return place
  }

  /** A master that was replaced may go on serving where it is cut off: the sentinels say when to leave it. */
  #watch(sentinel: Place): AsyncDisposable {
    const { connectTimeout } = this.#options
    const open = (signal: AbortSignal) =>
      openConnection(sentinel, sentinelAccess(this.#plan, signal), connectTimeout)
    const onSwitch = (message: string) => {
      const [master, , , host, port] = message.split(' ')
      if (master !== this.#plan.master) return
      const reason = `sentinels have made ${host}:${port} the master`
      for (const connection of this.#standing) {
        if (connection.address !== addressOf({ host: host ?? '', port: Number(port) }))
          connection.end(new CoordinatorLost('masterdown', reason))
      }
    }
    return listenTo('+switch-master', onSwitch, { open, whom: addressOf(sentinel), timeout: connectTimeout })
  }
}

const misplaced = new Set(['READONLY', 'MASTERDOWN', 'MOVED', 'CLUSTERDOWN'])

function replyOf(error: unknown): RedisReplyError | null {
  return error instanceof CoordinatorLost && error.cause instanceof RedisReplyError ? error.cause : null
}

function distinct(places: readonly Place[]): readonly Place[] {
  return [...new Map(places.map((place) => [addressOf(place), place])).values()]
}
