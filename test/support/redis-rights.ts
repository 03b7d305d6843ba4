import redisStory from '../../stories/redis/index.ts'
import { rightsOf, wordsOf } from './guide-rights.ts'
import type { Redis } from './servers/redis.ts'

/** Makes the user of the guide on these servers, who may look and cure and nothing else; gives its login. */
export async function loginOfGuide(
  ...servers: readonly Redis[]
): Promise<{ readonly user: string; readonly password: string }> {
  return login(servers, ['on each server', 'for the cures'])
}

/** The same for the nodes of a Redis Cluster. */
export async function loginInCluster(...nodes: readonly Redis[]) {
  return login(nodes, ['on each server', 'mode: cluster', 'for the cures'])
}

async function login(servers: readonly Redis[], comments: readonly string[]) {
  const password = 'hunter2SECRET'
  const rights = comments.flatMap((comment) => rightsOf(redisStory.guide, password, comment))
  for (const server of servers) for (const command of rights) await server.cli(...wordsOf(command))
  return { user: 'healthz', password }
}
