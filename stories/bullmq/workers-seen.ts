import { CannotTell, type RedisConnection, say } from 'healthz'

/**
 * How many workers wait at each queue, at the server that holds it. A worker gives its connection the name `prefix:<base64 of the queue>`, followed
 * by `:w:<its own name>` where it has one.
 * @throws CannotTell where Redis shows no names: then nobody can be counted.
 */
export async function countWorkers(
  holderOf: (queue: string) => Promise<RedisConnection>,
  prefix: string,
  queues: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const holders = await Promise.all(queues.map(holderOf))
  const lists = new Map(
    await Promise.all([...new Set(holders)].map(async (node) => [node, await namesAt(node)] as const)),
  )
  return new Map(
    queues.map((queue, index) => {
      const node = holders[index]
      return [queue, workersOf((node && lists.get(node)) ?? [], prefix, queue)]
    }),
  )
}

async function namesAt(redis: RedisConnection): Promise<readonly string[]> {
  const names = namesOf(String(await redis.call('CLIENT', 'LIST')))
  // This very connection has a name, so a list without any hides them.
  if (names.includes('healthz')) return names
  throw new CannotTell(say`this Redis does not show the names of its clients`)
}

/** The names in an answer to CLIENT LIST; empty ones are left out. */
export function namesOf(list: string): readonly string[] {
  return [...list.matchAll(/ name=(\S+)/g)].map(([, name = '']) => name)
}

export function workersOf(names: readonly string[], prefix: string, queue: string): number {
  const own = `${prefix}:${Buffer.from(queue).toString('base64')}`
  return names.filter((name) => name === own || name.startsWith(`${own}:w:`)).length
}
