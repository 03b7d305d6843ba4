import type { RedisConnection } from 'healthz'

/**
 * Whether the server saves snapshots by itself.
 * @throws ConnectionFailure where the user may not read the configuration.
 */
export async function hasSavePoints(node: RedisConnection): Promise<boolean> {
  const reply = await node.call('CONFIG', 'GET', 'save')
  return Array.isArray(reply) && String(reply[1] ?? '') !== ''
}
