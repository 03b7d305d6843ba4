import { Redis as Client } from 'ioredis'
import type { CoordinatorLink } from '../../../src/cluster/redis/link.ts'
import { CoordinatorLost, type RedisLink, type Script } from '../../../src/core/redis-link.ts'
import type { Redis } from '../servers/redis.ts'

export interface TestLink extends RedisLink, Pick<CoordinatorLink, 'runReplicated'> {
  /** The run id of the server, as of when the link was opened. */
  readonly runId: string
  /** How often `reset` was called. */
  readonly resets: () => number
  /** A key's value as `restore` takes it. */
  dump(key: string): Promise<Buffer>
  restore(key: string, value: Buffer): Promise<void>
}

/**
 * A plain link to one server. With `wall`, the scripts it runs take that for the server's clock (whole milliseconds):
 * their question for the time is put to a key, which is set before each of them.
 */
export async function openTestLink(redis: Pick<Redis, 'port'>, wall?: () => number): Promise<TestLink> {
  let client = connect(redis.port)
  let resets = 0
  const hello = String(await client.info('server'))
  const runId = /run_id:(\w+)/.exec(hello)?.[1] ?? ''
  const call: RedisLink['call'] = async (command, ...args) => asLost(client.call(command, ...args))
  const run: RedisLink['run'] = async (script, keys, args) => {
    if (!wall) return evaluate(call, script, keys, args)
    const now = wall()
    const [, reply] = await Promise.all([
      call('RPUSH', 'test:time', Math.floor(now / 1000), (now % 1000) * 1000),
      evaluate(call, inTestTime(script), keys, args),
      call('DEL', 'test:time'),
    ])
    return reply
  }
  return {
    runId,
    resets: () => resets,
    call,
    run,
    async runReplicated(script, keys, args, { replicas, wait }) {
      const reply = await run(script, keys, args)
      return { reply, replicas: Number(await call('WAIT', replicas, wait)) }
    },
    async dump(key) {
      return (await client.dumpBuffer(key)) ?? Buffer.alloc(0)
    },
    async restore(key, value) {
      await client.restore(key, 0, value)
    },
    reset() {
      resets += 1
      client.disconnect()
      client = connect(redis.port)
    },
    async [Symbol.asyncDispose]() {
      client.disconnect()
    },
  }
}

function inTestTime({ lua }: Script): Script {
  return { lua: lua.replaceAll("redis.call('TIME')", "redis.call('LRANGE', 'test:time', 0, 1)"), sha: '' }
}

function evaluate(
  call: RedisLink['call'],
  { lua }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  return call('EVAL', lua, keys.length, ...keys, ...args)
}

function connect(port: number): Client {
  const client = new Client({
    host: '127.0.0.1',
    port,
    protocol: 2,
    retryStrategy: null,
    disableClientInfo: true,
  })
  client.on('error', () => {})
  return client
}

async function asLost(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply
  } catch (error) {
    const { message } = error as Error
    if (message.startsWith('OOM')) throw new CoordinatorLost('oom', message, { cause: error })
    if (/closed/i.test(message)) throw new CoordinatorLost('unreachable', message, { cause: error })
    throw error
  }
}
