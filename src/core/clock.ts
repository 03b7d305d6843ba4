/** The only thing that knows what time it is. */
export interface Clock {
  /** Wall time in milliseconds since 1970: for what people read. */
  now(): number
  /** Monotonic milliseconds: for lengths of time and deadlines. */
  elapsed(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
