import {
  CannotTell,
  connectRedis,
  type OpenContext,
  type RedisConnection,
  RedisRefusal,
  say,
  shareInFlight,
  stepOf,
} from 'healthz'
import type { Options } from './options.ts'
import { type Queue, readQueue } from './read-queue.ts'
import { countWorkers } from './workers-seen.ts'

/** The Redis that holds the queues. Everything is read by plain commands: the library's own would write. */
export interface Queues extends Disposable {
  readonly redis: RedisConnection
  /** The queues that are there, and the names of those that are not; read once for the steps that ask together. */
  read(): Promise<Reading>
  /** How many workers wait at each queue. @throws CannotTell */
  workers(): Promise<ReadonlyMap<string, number>>
  /** `prefix:queue:name`. */
  key(queue: string, name: string): string
}

export interface Reading {
  readonly queues: readonly Queue[]
  readonly missing: readonly string[]
}

/** Declares a step of this story. */
export const step = stepOf<Queues, Options>()

/** @throws ConnectionFailure */
export async function openQueues({ options, signal }: OpenContext<Options>): Promise<Queues> {
  const { url, user, password, ca, insecure, protocol, prefix, queues: names } = options
  const redis = await connectRedis({ url, user, password, ca, insecure, protocol, signal })
  const key = (queue: string, name: string) => `${prefix}:${queue}:${name}`
  const read = async (): Promise<Reading> => {
    const found = await Promise.all(names.map((name) => readQueue(redis, name, (part) => key(name, part))))
    return {
      queues: found.filter((queue) => queue !== null),
      missing: names.filter((_, index) => found[index] === null),
    }
  }
  return {
    redis,
    key,
    read: shareInFlight(() => inWords(read())),
    workers: shareInFlight(() => countWorkers(redis, prefix, names)),
    [Symbol.dispose]: () => redis[Symbol.dispose](),
  }
}

/** Keys of another kind are those of somebody else. */
export async function inWords<Answer>(reading: Promise<Answer>): Promise<Answer> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof RedisRefusal && error.code === 'WRONGTYPE')
      throw new CannotTell(say`keys with these names are there, but they are not those of a BullMQ queue`)
    throw error
  }
}

/** Ends a step as unknown where a queue of the entry is not there: its name may be wrong, or nobody used it yet. */
export function admitMissing(
  { missing }: Reading,
  cannotTell: (reason: CannotTell['reason']) => never,
): void {
  if (missing.length > 0) cannotTell(say`there is no queue of this name: ${missing}`)
}
