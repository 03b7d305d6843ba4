import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CannotTell,
  ConnectionFailure,
  connectRedisMaster,
  type RedisConnection,
  RedisRefusal,
  say,
} from 'healthz'
import { databaseOf, type Options } from './options.ts'
import {
  envelopeOf,
  mailbox,
  openEnvelope,
  type Question,
  type ReturnAddress,
  replyMailbox,
  replyQueue,
} from './pidbox.ts'
import { sharedAsk } from './share.ts'
import type { Answers, Broker } from './workers.ts'

/** What kombu writes between the parts of a name. */
const separator = '\x06\x16'

/** How often an answer is looked for, in milliseconds: a blocking read would hold up the other steps. */
const lookEvery = 25

/** A Redis as kombu uses it for a broker. @throws ConnectionFailure */
export async function openRedis(options: Options, signal: AbortSignal): Promise<Broker> {
  const node = await connect(options, signal)
  const key = (name: string) => options.keyPrefix + name
  const tell = (question: Question, within: AbortSignal) => askWorkers(node, options, question, within)
  return {
    address: node.address,
    depth: async (queue) => {
      const keys = options.priorities.map((priority) => key(keyOf(queue, priority)))
      const lengths = await Promise.all(keys.map((name) => numberOf(node, 'LLEN', name)))
      return { waiting: lengths.reduce((sum, length) => sum + length, 0), consumers: null }
    },
    ask: sharedAsk(tell),
    tell,
    mayListen: async (_, { replies, listeners }) => (listeners ?? 0) > replies.size,
    redis: {
      handedOut: () => numberOf(node, 'HLEN', key('unacked')),
      oldest: async () => oldestOf(await node.call('ZRANGE', key('unacked_index'), 0, 0, 'WITHSCORES'), node),
      leftOvers: () => numberOf(node, 'SCARD', key(bindings)),
    },
    [Symbol.asyncDispose]: async () => node[Symbol.dispose](),
  }
}

async function connect(options: Options, signal: AbortSignal): Promise<RedisConnection> {
  try {
    return await connectRedisMaster({ ...options, url: options.broker }, signal)
  } catch (error) {
    if (!(error instanceof ConnectionFailure) || error.kind !== 'redirect') throw error
    throw new ConnectionFailure('redirect', error.address, {
      detail: say`it is a node of a Redis Cluster, and Celery has no transport for one`,
      advice: say`give Celery a Redis of its own, with sentinels where it must not fail`,
    })
  }
}

const bindings = `_kombu.binding.${replyMailbox}`

/** Priority 0 has the queue's own name. */
const keyOf = (queue: string, priority: number) =>
  priority === 0 ? queue : `${queue}${separator}${priority}`

/** Asks, and takes the answers as they come until all connected workers have answered or the time is up. */
async function askWorkers(
  node: RedisConnection,
  options: Options,
  question: Question,
  signal: AbortSignal,
): Promise<Answers> {
  const address: ReturnAddress = { id: randomUUID(), ticket: randomUUID() }
  const [table, queue] = [options.keyPrefix + bindings, options.keyPrefix + replyQueue(address)]
  const binding = ['', '', replyQueue(address)].join(separator)
  const bound = `${address.id}${binding}`
  await node.call('SADD', table, bound)
  try {
    const expires = Date.now() / 1000 + options.answerWithin / 1000
    const text = envelopeOf(question, address, expires)
    const heard: number[] = []
    for (const topic of topicsOf(options))
      heard.push(count(await node.call('PUBLISH', options.keyPrefix + topic, text), 'PUBLISH'))
    const ears = heard.reduce((sum, listeners) => sum + listeners, 0)
    const wanted = Math.min(ears, question.destination?.length ?? ears)
    const replies = await collect(node, queue, wanted, options.answerWithin, signal)
    // A worker may listen on each, and answers once.
    return { replies, listeners: Math.max(replies.size, ...heard) }
  } finally {
    // In this order: a worker that answers late finds no way, and leaves nothing behind.
    await node.call('SREM', table, bound)
    await node.call('DEL', queue)
  }
}

/** The channels of the mailbox. Over sentinels kombu before 5.4 leaves "{db}" as it stands. */
export function topicsOf(
  options: Pick<Options, 'mode' | 'broker' | 'database' | 'fanoutPrefix'>,
): readonly string[] {
  const prefix = options.fanoutPrefix.replace('{db}', databaseOf(options))
  const prefixes = options.mode === 'sentinel' ? [prefix, options.fanoutPrefix] : [prefix]
  return [...new Set(prefixes)].map((each) => each + mailbox)
}

async function collect(
  node: RedisConnection,
  queue: string,
  wanted: number,
  within: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  const replies = new Map<string, unknown>()
  const end = performance.now() + within
  while (replies.size < wanted) {
    const message = await node.call('RPOP', queue)
    if (typeof message === 'string') {
      for (const [worker, answer] of openEnvelope(message) ?? []) replies.set(worker, answer)
    } else if (performance.now() >= end) return replies
    else await delay(lookEvery, undefined, { signal })
  }
  return replies
}

async function numberOf(node: RedisConnection, command: string, key: string): Promise<number> {
  try {
    return count(await node.call(command, key), command)
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    throw new CannotTell(
      say`the key ${key} of ${node.address} is not what Celery keeps there (${error.code})`,
    )
  }
}

function count(reply: unknown, command: string): number {
  if (typeof reply === 'number') return reply
  throw new CannotTell(say`the server answers ${command} in another form than a Redis`)
}

async function oldestOf(reply: unknown, node: RedisConnection) {
  if (!Array.isArray(reply))
    throw new CannotTell(say`the server answers ${'ZRANGE'} in another form than a Redis`)
  if (reply.length === 0) return null
  const time = await node.call('TIME')
  // Protocol 3 gives pairs.
  const [since, now] = [Number(reply.flat()[1]), Array.isArray(time) ? Number(time[0]) : Number.NaN]
  if (!Number.isFinite(since + now))
    throw new CannotTell(say`the server answers ${'TIME'} in another form than a Redis`)
  return { since: since * 1000, now: now * 1000 }
}
