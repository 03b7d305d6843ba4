import type { CoordinatorFault } from './cluster.ts'
import type { Fence } from './store.ts'

/** Thrown when the coordinating Redis gives no answer or no service. What was asked may or may not have been done. */
export class CoordinatorLost extends Error {
  override readonly name = 'CoordinatorLost'
  readonly fault: CoordinatorFault

  constructor(fault: CoordinatorFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

/** A connection to the coordinating Redis, of whatever kind, made anew whenever it breaks. */
export interface RedisLink extends AsyncDisposable {
  /**
   * Sends one command; its reply has the shape of protocol 2.
   * @throws CoordinatorLost; an Error whose `message` is that of Redis for the command's own errors.
   */
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Runs a script by its digest, and loads it where it is not known. Throws as `call`. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** Drops the connection: what is under way fails, and the next call finds a new one. */
  reset(): void
}

export interface Script {
  readonly lua: string
  /** The SHA-1 of `lua` in hexadecimal digits. */
  readonly sha: string
}

/** What every script that writes says first: a writer that may no longer write is refused. */
export interface Guard {
  /**
   * Lua that defines `local function guard(keys, args, offset)`: it takes `keys.length` keys and `width` arguments
   * after `offset` of `args`, and returns nil, or a string that says why the writer is refused.
   */
  readonly lua: string
  readonly keys: readonly string[]
  readonly width: number
  args(fence: Fence): readonly (string | number)[]
}
