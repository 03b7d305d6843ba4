import type { Clock } from '../core/clock.ts'

/** Thrown when work did not end in time. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
  readonly ms: number

  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
    this.ms = ms
  }
}

/**
 * Runs work that must end within `ms`. Its signal aborts then; work that ignores the signal is left behind and
 * what it gives later goes to `late`, so that nothing it opened stays open.
 */
export async function within<Result>(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result> | Result,
  late: (result: Result) => unknown = () => {},
): Promise<Result> {
  parent.throwIfAborted()
  const own = new AbortController()
  const stopTimer = new AbortController()
  const signal = AbortSignal.any([parent, own.signal])
  const timer = clock.sleep(ms, stopTimer.signal).then(
    () => own.abort(new DeadlineExceeded(ms)),
    () => {},
  )
  let isOver = false
  const working = (async () => work(signal))()
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  ended.catch(() => {})
  working.then(
    (result) => isOver && late(result),
    () => {},
  )
  try {
    return await Promise.race([working, ended])
  } finally {
    isOver = signal.aborted
    stopTimer.abort()
    await timer
  }
}
