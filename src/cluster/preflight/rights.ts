import { CoordinatorLost } from '../../core/redis-link.ts'
import type { Command, Connection } from '../redis/connection.ts'
import type { ServerFacts } from '../redis/facts.ts'
import { isScriptDenied, RedisReplyError } from '../redis/fault.ts'
import type { Checking } from './types.ts'
import { words } from './words.ts'

/**
 * Tries each command that the cluster and its store use, in a form that changes nothing: on a key that is not there,
 * or with an argument that is refused after the right to the command was looked at.
 */
export async function checkRights(
  { cluster, timeout, faults }: Checking,
  connection: Connection,
  facts: ServerFacts | null,
): Promise<void> {
  const { name, redis: plan, minReplicas } = cluster
  const { address } = connection
  const commands: readonly Command[] = [
    ...(plan.kind !== 'cluster' && plan.database > 0 ? [['SELECT', plan.database] as const] : []),
    ...(minReplicas > 0 ? [['WAIT', 0, 1] as const] : []),
    ...(plan.kind === 'cluster'
      ? ([
          ['CLUSTER', 'INFO'],
          ['CLUSTER', 'SLOTS'],
        ] as const)
      : []),
    ...probesOf(`{hz:${name}}:`),
  ]
  const results = await connection.send(commands, timeout)
  const tried: Tried[] = []
  for (const [index, result] of results.entries()) {
    const command = commands[index]
    if (command === undefined) continue
    const error = result.status === 'rejected' ? result.reason : null
    if (error instanceof CoordinatorLost && !(error.cause instanceof RedisReplyError)) throw error
    if (command[0] === 'SELECT' && error instanceof RedisReplyError)
      faults.push(words.noDatabase(address, plan.database))
    tried.push({ command, lacking: lackingBy(command, error) })
  }
  // It comes last: the connection does nothing else afterwards.
  const wake: Command = ['SUBSCRIBE', `{hz:${name}}:wake`]
  tried.push({ command: wake, lacking: lackingBy(wake, await subscribeFault(connection, wake, timeout)) })
  const lacking = tried.flatMap((one) => one.lacking ?? [])
  if (lacking.length === 0) return
  const user = plan.user ?? 'default'
  const pattern = { key: `~{hz:${name}}:*`, channel: `&{hz:${name}}:*` }
  const grant = [
    `ACL SETUSER ${user} on`,
    // Redis refuses a pattern for a user that may use all.
    ...(isWanting(tried, 'key') ? [pattern.key] : []),
    ...(isWanting(tried, 'channel') && knowsChannels(facts) ? [pattern.channel] : []),
    '+@hash +@sortedset +@list +@stream +eval +evalsha +publish +subscribe +unsubscribe',
    '+info +time +wait +ping +select +client|setname',
    ...(plan.kind === 'cluster' ? ['+cluster|info +cluster|slots'] : []),
  ].join(' ')
  const rights = new Set(
    lacking.map((right) => (right === 'key' || right === 'channel' ? pattern[right] : right)),
  )
  faults.push(words.lacksRights(address, user, [...rights].sort(), grant))
}

interface Tried {
  readonly command: Command
  /** `key` and `channel`: not this one; else the right to the command, as `+hget`; null: it may. */
  readonly lacking: string | null
}

/** Whether the pattern is lacking, or cannot be known for lack of all commands that would show it. */
function isWanting(tried: readonly Tried[], what: 'key' | 'channel'): boolean {
  const names = what === 'channel' ? ['PUBLISH', 'SUBSCRIBE'] : ['HGET', 'HSET', 'ZADD', 'LRANGE', 'EVAL']
  const telling = tried.filter(({ command }) => names.includes(command[0]))
  return telling.some(({ lacking }) => lacking === what) || telling.every(({ lacking }) => lacking !== null)
}

/** Patterns for channels came with Redis 6.2. */
function knowsChannels(facts: ServerFacts | null): boolean {
  const [major = 0, minor = 0] = (facts?.version ?? '7').split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2)
}

function lackingBy([name, first]: Command, error: unknown): string | null {
  if (!(error instanceof CoordinatorLost) || error.fault !== 'noperm') return null
  // The reply may name the user too, who may be called anything.
  if (/\baccess .*\bchannels?\b/.test(error.message)) return 'channel'
  if (/\baccess .*\bkeys?\b/.test(error.message)) return 'key'
  if (error.cause instanceof RedisReplyError && isScriptDenied(error.cause.message)) return '+rpush'
  return `+${name.toLowerCase()}${name === 'CLUSTER' ? `|${String(first).toLowerCase()}` : ''}`
}

function probesOf(prefix: string): readonly Command[] {
  const key = `${prefix}preflight`
  return [
    ['INFO', 'server'],
    ['PING'],
    ['TIME'],
    ['EVAL', 'return 1', 1, key],
    ['EVALSHA', '0'.repeat(40), 1, key],
    ['HGET', key, 'f'],
    ['HMGET', key, 'f'],
    ['HGETALL', key],
    ['HSCAN', key, 0],
    ['HSET', key, 'f', 'v', 'without a value'],
    ['HINCRBY', key, 'f', 'no number'],
    ['HDEL', key, 'f'],
    ['ZADD', key, 'no number', 'm'],
    ['ZREM', key, 'm'],
    ['ZSCORE', key, 'm'],
    ['ZRANGE', key, 0, 0],
    ['ZREVRANGE', key, 0, 0],
    ['ZRANGEBYSCORE', key, 0, 0],
    ['LRANGE', key, 0, 0],
    ['LTRIM', key, 1, 0],
    ['EVAL', pushAndTrim, 1, key],
    ['XADD', key, 'no id', 'f', 'v'],
    ['XDEL', key, '0-1'],
    ['XLEN', key],
    ['XREVRANGE', key, '+', '-', 'COUNT', 1],
    ['PUBLISH', `${prefix}wake`, ''],
  ]
}

/** There is no form of RPUSH that writes nothing: what it writes is gone when the script ends. */
const pushAndTrim = `if redis.pcall('LTRIM', KEYS[1], 1, 0).err then return 0 end
local pushed = redis.pcall('RPUSH', KEYS[1], 'x')
redis.pcall('LTRIM', KEYS[1], 1, 0)
return pushed`

async function subscribeFault(
  connection: Connection,
  [, channel]: Command,
  timeout: number,
): Promise<unknown> {
  try {
    await connection.subscribe(String(channel), () => {}, timeout)
    return null
  } catch (error) {
    if (error instanceof CoordinatorLost && error.fault === 'noperm') return error
    throw error
  }
}
