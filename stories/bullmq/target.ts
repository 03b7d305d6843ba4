import {
  CannotTell,
  type OpenContext,
  openRedisKeys,
  type RedisConnection,
  type RedisKeys,
  RedisRefusal,
  say,
  shareInFlight,
  stepOf,
} from 'healthz'
import { keyOf, type Options } from './options.ts'
import { type Queue, readQueue } from './read-queue.ts'
import { countWorkers } from './workers-seen.ts'

/** Where the queues are held. Everything is read by plain commands: the library's own would write. */
export interface Queues extends Disposable {
  readonly redis: RedisKeys
  /** The servers that hold the queues: one, or several nodes of a cluster. */
  servers(): Promise<readonly RedisConnection[]>
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
  const { prefix, queues: names } = options
  using opening = new DisposableStack()
  const redis = opening.use(await openRedisKeys(options, signal))
  const key = (queue: string, name: string) => keyOf(options, queue, name)
  const holderOf = (queue: string) => redis.holderOf(key(queue, 'meta'))
  const servers = () => redis.holdersOf(names.map((name) => key(name, 'meta')))
  await servers()
  const read = async (): Promise<Reading> => {
    const found = await Promise.all(names.map((name) => readQueue(redis, name, (part) => key(name, part))))
    return {
      queues: found.filter((queue) => queue !== null),
      missing: names.filter((_, index) => found[index] === null),
    }
  }
  const owned = opening.move()
  return {
    redis,
    servers,
    key,
    read: shareInFlight(() => inWords(read())),
    workers: shareInFlight(() => countWorkers(holderOf, prefix, names)),
    [Symbol.dispose]: () => owned.dispose(),
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
