import { addressAt, CannotTell, type RedisConnection, RedisRefusal, say } from 'healthz'

/** What one sentinel makes of a master. */
export interface SentinelView {
  readonly address: string
  /** It acts on nothing, because its clock jumped or it was held up. */
  readonly isTilted: boolean
  /** Null where it does not watch a master of this name. */
  readonly watched: Watched | null
}

export interface Watched {
  readonly master: Peer
  /** Whether it hears enough others to have the master replaced. It says yes even when one of these is tilted. */
  readonly hasQuorum: boolean
  readonly replicas: readonly Peer[]
  /** The other sentinels. */
  readonly sentinels: readonly Peer[]
}

export interface Peer {
  /** `host:port`. */
  readonly address: string
  /** `s_down`: this sentinel does not hear it; `o_down`: enough of them do not; `disconnected`... */
  readonly flags: ReadonlySet<string>
}

/** @throws ConnectionFailure, CannotTell */
export async function lookAs(sentinel: RedisConnection, name: string): Promise<SentinelView> {
  const { address } = sentinel
  const [info, watched] = await Promise.all([sentinel.info('sentinel'), readWatched(sentinel, name)])
  return { address, isTilted: info.text('sentinel_tilt') !== '0', watched }
}

/** @throws ConnectionFailure, CannotTell */
export async function readReplicas(sentinel: RedisConnection, name: string): Promise<readonly Peer[]> {
  return peersOf(await sentinel.call('SENTINEL', 'REPLICAS', name))
}

async function readWatched(sentinel: RedisConnection, name: string): Promise<Watched | null> {
  try {
    const [master, replicas, sentinels, hasQuorum] = await Promise.all([
      sentinel.call('SENTINEL', 'MASTER', name),
      readReplicas(sentinel, name),
      sentinel.call('SENTINEL', 'SENTINELS', name),
      canReplace(sentinel, name),
    ])
    return { master: peerOf(master), replicas, sentinels: peersOf(sentinels), hasQuorum }
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    // All of these know one error of their own only: there is no such master.
    return null
  }
}

async function canReplace(sentinel: RedisConnection, name: string): Promise<boolean> {
  try {
    await sentinel.call('SENTINEL', 'CKQUORUM', name)
    return true
  } catch (error) {
    if (error instanceof RedisRefusal && error.code === 'NOQUORUM') return false
    throw error
  }
}

function peersOf(reply: unknown): readonly Peer[] {
  if (!Array.isArray(reply)) throw strange()
  return reply.map(peerOf)
}

/** Names and values in turn. */
function peerOf(reply: unknown): Peer {
  if (!Array.isArray(reply)) throw strange()
  const fields = new Map(
    reply.flatMap((name, at): [unknown, unknown][] => (at % 2 === 0 ? [[name, reply[at + 1]]] : [])),
  )
  const [host, port, flags] = ['ip', 'port', 'flags'].map((name) => fields.get(name))
  if (typeof host !== 'string' || typeof port !== 'string' || typeof flags !== 'string') throw strange()
  return { address: addressAt(host, port), flags: new Set(flags.split(',')) }
}

const strange = () => new CannotTell(say`a sentinel gave an answer of another form`)
