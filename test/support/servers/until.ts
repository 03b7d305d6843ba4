import { setTimeout as delay } from 'node:timers/promises'

/**
 * Tries again and again until `attempt` gives something truthy, and returns that. A throw counts as "not yet".
 * Past the deadline it throws an Error that says what was waited for and what the last attempt said; when
 * `signal` aborts, it throws the signal's reason.
 */
export async function until<T>(
  what: string,
  attempt: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Truthy<T>> {
  const { deadline = 20_000, every = 25, signal } = options
  const tooLate = AbortSignal.timeout(deadline)
  const over = signal ? AbortSignal.any([tooLate, signal]) : tooLate
  const aborted = rejectOnAbort(over)
  let last: unknown
  while (!over.aborted) {
    try {
      const value = await Promise.race([attempt(), aborted])
      if (isTruthy(value)) return value
      last = undefined
    } catch (error) {
      if (!over.aborted) last = error
    }
    await delay(every, undefined, { signal: over }).catch(() => {})
  }
  signal?.throwIfAborted()
  throw new Error(`waited ${deadline} ms until ${what}${reason(last)}`, { cause: last })
}

export interface UntilOptions {
  /** Milliseconds in all, 20 000 if left out: it costs nothing where all is well, and a busy machine is slow. */
  readonly deadline?: number
  /** Milliseconds between two attempts, 25 if left out. */
  readonly every?: number
  readonly signal?: AbortSignal
}

export type Truthy<T> = Exclude<T, false | 0 | 0n | '' | null | undefined>

function isTruthy<T>(value: T): value is Truthy<T> {
  return Boolean(value)
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  if (signal.aborted) reject(signal.reason)
  return promise
}

function reason(last: unknown): string {
  if (last === undefined) return ''
  return `: ${last instanceof Error ? last.message : String(last)}`
}
