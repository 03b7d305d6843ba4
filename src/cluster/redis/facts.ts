import type { Connection } from './connection.ts'
import { lostBy, type Place } from './fault.ts'

/** What a server says of itself. */
export interface ServerFacts {
  readonly runId: string
  readonly version: string
  readonly mode: 'standalone' | 'cluster' | 'sentinel'
  /** Where its master is; null: it is none's replica. */
  readonly master: Place | null
  /** Replicas that are connected to it. */
  readonly replicas: number
}

/** @throws CoordinatorLost */
export async function factsOf(connection: Connection, ms: number): Promise<ServerFacts> {
  const results = await connection.send(
    [
      ['INFO', 'server'],
      ['INFO', 'replication'],
    ],
    ms,
  )
  const fields = new Map<string, string>()
  for (const result of results) {
    if (result.status === 'rejected') throw lostBy(result.reason, connection.address)
    for (const [name, value] of fieldsOf(result.value)) fields.set(name, value)
  }
  // Valkey has a name of its own for it.
  const mode = fields.get('redis_mode') ?? fields.get('server_mode')
  const host = fields.get('master_host')
  return {
    runId: fields.get('run_id') ?? '',
    version: fields.get('redis_version') ?? '',
    mode: mode === 'cluster' || mode === 'sentinel' ? mode : 'standalone',
    master:
      fields.get('role') === 'slave' && host !== undefined
        ? { host, port: Number(fields.get('master_port')) }
        : null,
    replicas: Number(fields.get('connected_slaves') ?? 0),
  }
}

/** The `name:value` lines of INFO and CLUSTER INFO. */
export function fieldsOf(reply: unknown): ReadonlyMap<string, string> {
  const lines = String(reply).matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)
  return new Map(Array.from(lines, ([, name = '', value = '']) => [name, value]))
}

/** A flat list of names and values. */
export function pairsOf(reply: unknown): ReadonlyMap<string, string> {
  const items = Array.isArray(reply) ? reply.map(String) : []
  return new Map(
    items.flatMap((name, index) => (index % 2 === 0 ? [[name, items[index + 1] ?? ''] as const] : [])),
  )
}
