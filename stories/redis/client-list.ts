import { ConnectionFailure, type RedisConnection, redisPairs } from 'healthz'

/** A connection of an ordinary client. What it sent is not kept. */
export interface RedisClient {
  readonly id: number
  readonly host: string
  /** What it calls itself by CLIENT SETNAME; empty where it does not. */
  readonly name: string
  /** Milliseconds since its last command. */
  readonly idle: number
}

/** The ordinary clients, without replicas, monitors, subscribers and those that wait in a blocking command. */
export async function listClients(node: RedisConnection): Promise<readonly RedisClient[]> {
  return parseClients(String(await node.call('CLIENT', 'LIST')))
}

/** The same; null where the user may not list them. */
export async function listClientsIfAllowed(node: RedisConnection): Promise<readonly RedisClient[] | null> {
  try {
    return await listClients(node)
  } catch (error) {
    if (error instanceof ConnectionFailure && error.kind === 'not-allowed') return null
    throw error
  }
}

/** Parses the lines of CLIENT LIST, such as `id=7 addr=10.0.0.1:6022 name=worker idle=3 flags=N`. */
export function parseClients(reply: string): readonly RedisClient[] {
  return reply.split('\n').flatMap((line) => {
    const fields = redisPairs(line.replaceAll(' ', ','))
    const id = Number(fields.get('id') ?? Number.NaN)
    if (!Number.isFinite(id) || fields.get('flags') !== 'N') return []
    return [
      {
        id,
        host: (fields.get('addr') ?? '').replace(/:\d+$/, ''),
        name: fields.get('name') ?? '',
        idle: Number(fields.get('idle') ?? 0) * 1000,
      },
    ]
  })
}

export interface Crowd {
  readonly host: string
  readonly name: string
  readonly connections: number
  /** Of those, how many have been idle for longer than asked. */
  readonly idle: number
}

/** The host and name with the most connections. */
export function largestCrowd(clients: readonly RedisClient[], idleFor: number): Crowd | null {
  const crowds = Map.groupBy(clients, ({ host, name }) => `${host} ${name}`)
  const largest = [...crowds.values()].sort((a, b) => b.length - a.length)[0]
  const [one] = largest ?? []
  if (largest === undefined || one === undefined) return null
  const idle = largest.filter((client) => client.idle > idleFor).length
  return { host: one.host, name: one.name, connections: largest.length, idle }
}
