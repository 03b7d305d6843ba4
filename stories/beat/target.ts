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
import { type Call, readSchedule, type Schedule } from './schedule.ts'

export interface Beat extends Disposable {
  /** The Redis of RedBeat; null for the default scheduler. */
  readonly store: Store | null
}

export interface Store {
  readonly address: string
  readonly call: Call
  /** The schedule, read once for the steps that ask together. @throws CannotTell where there is none */
  schedule(): Promise<Schedule>
  info: RedisConnection['info']
}

/** Declares a step of this story. */
export const step = stepOf<Beat, Options>()

/** The store, for a step that is on only where there is one. */
export function storeOf({ store }: Beat): Store {
  if (store === null) throw new CannotTell(say`only RedBeat can be asked this: set the option "url"`)
  return store
}

/** @throws ConnectionFailure */
export async function openBeat({ options, signal }: OpenContext<Options>): Promise<Beat> {
  const { url, user, password, ca, insecure, protocol } = options
  if (url === undefined) return { store: null, [Symbol.dispose]() {} }
  const node = await connectRedis({ url, user, password, ca, insecure, protocol, signal })
  const call: Call = (command, ...args) => ask(node, command, args)
  return {
    store: {
      address: node.address,
      call,
      schedule: shareInFlight(() => readSchedule(call, options)),
      info: (...sections) => node.info(...sections),
    },
    [Symbol.dispose]: () => node[Symbol.dispose](),
  }
}

async function ask(node: RedisConnection, command: string, args: readonly (string | number)[]) {
  try {
    return await node.call(command, ...args)
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    throw new CannotTell(
      say`the key ${String(args[0] ?? '')} of ${node.address} is not what RedBeat keeps there (${error.code})`,
    )
  }
}
