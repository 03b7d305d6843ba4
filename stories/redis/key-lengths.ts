import { CannotTell, ConnectionFailure, RedisRefusal, say, type Text } from 'healthz'
import type { RedisTarget } from './target.ts'

/** How long each of these keys is; one that is missing has the length 0, and of the others it is said why not. */
export async function lengthsOf(
  target: RedisTarget,
  keys: Iterable<string>,
): Promise<ReadonlyMap<string, number | Text>> {
  const all = await Promise.all(
    [...new Set(keys)].map(async (key) => [key, await lengthIfTold(target, key)] as const),
  )
  return new Map(all)
}

/** @throws ConnectionFailure, CannotTell where it has no length */
export async function lengthOf(target: RedisTarget, key: string): Promise<number> {
  const node = await target.holderOf(key)
  const type = String(await node.call('TYPE', key))
  if (type === 'none') return 0
  const command = commands.get(type)
  if (command === undefined) throw new CannotTell(say`it is of the type ${type}, which has no length`)
  return Number(await node.call(command, key))
}

const commands: ReadonlyMap<string, string> = new Map([
  ['list', 'LLEN'],
  ['set', 'SCARD'],
  ['zset', 'ZCARD'],
  ['hash', 'HLEN'],
  ['stream', 'XLEN'],
])

async function lengthIfTold(target: RedisTarget, key: string): Promise<number | Text> {
  try {
    return await lengthOf(target, key)
  } catch (error) {
    return untold(key, error)
  }
}

/** Why a key cannot be told of, where only this key cannot. */
export function untold(key: string, error: unknown): Text {
  if (error instanceof CannotTell) return say`${key}: ${error.reason}`
  if (error instanceof ConnectionFailure && (error.kind === 'not-allowed' || error.kind === 'redirect'))
    return say`${key}: ${error.summary}`
  if (error instanceof RedisRefusal) return say`${key}: it has another type by now`
  throw error
}
