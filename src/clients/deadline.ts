/** Waits for work until `ms` have passed, and fails then with what `late` gives, or before with the signal's reason. */
export async function beforeDeadline<Result>(
  work: Promise<Result>,
  ms: number,
  late: () => Error,
  signal?: AbortSignal,
): Promise<Result> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(late()), ms)
  const abort = () => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  // Work that fails after it was given up has nobody left to tell.
  work.catch(() => {})
  try {
    signal?.throwIfAborted()
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
