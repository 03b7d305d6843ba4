import {
  CannotTell,
  type OpenContext,
  openRedisKeys,
  type RedisInfo,
  type RedisKeys,
  RedisRefusal,
  say,
  shareInFlight,
  stepOf,
} from 'healthz'
import { isRedbeat, type Options, scheduleKey } from './options.ts'
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
  /** INFO of this section from the server that holds the schedule. */
  info(section: string): Promise<RedisInfo>
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
  if (!isRedbeat(options)) return { store: null, [Symbol.dispose]() {} }
  using opening = new DisposableStack()
  const keys = opening.use(await openRedisKeys(options, signal))
  const home = await keys.holderOf(scheduleKey(options))
  const call: Call = (command, ...args) => ask(keys, options, command, args)
  const owned = opening.move()
  return {
    store: {
      address: home.address,
      call,
      schedule: shareInFlight(() => readSchedule(call, options)),
      info: (section) => home.info(section),
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** Asks the server that holds the key, which comes first; what has none, the one that holds the schedule. */
async function ask(keys: RedisKeys, options: Options, command: string, args: readonly (string | number)[]) {
  const node = await keys.holderOf(String(args[0] ?? scheduleKey(options)))
  try {
    return await node.call(command, ...args)
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    throw new CannotTell(
      say`the key ${String(args[0] ?? '')} of ${node.address} is not what RedBeat keeps there (${error.code})`,
    )
  }
}
