import { CannotTell, ConnectionFailure, type RedisConnection } from 'healthz'

/** The newest entry of the slow log, as evidence: its number, length and command, never the arguments. */
export async function slowestCommand(
  node: RedisConnection,
): Promise<Readonly<Record<string, string | number>>> {
  try {
    const reply = await node.call('SLOWLOG', 'GET', 1)
    const [id, , microseconds, [command] = []] = first(reply) as [number?, number?, number?, string[]?]
    if (id === undefined || microseconds === undefined || command === undefined) return {}
    return { slowLogId: id, slowLogMs: microseconds / 1000, slowLogCommand: command }
  } catch (error) {
    // The evidence is worth having, not worth failing for.
    if (error instanceof CannotTell || error instanceof ConnectionFailure) return {}
    throw error
  }
}

const first = (reply: unknown): readonly unknown[] =>
  Array.isArray(reply) && Array.isArray(reply[0]) ? reply[0] : []
