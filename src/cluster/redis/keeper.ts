import { setTimeout as sleep } from 'node:timers/promises'
import { CoordinatorLost } from '../../core/redis-link.ts'
import type { Connection } from './connection.ts'
import { lostBy } from './fault.ts'

/** Sees to it that a connection stands, until it is disposed of. */
export interface Keeper extends AsyncDisposable {
  /** The connection; waits for it while it is being made. Throws, after `ms`, why there is none. */
  ready(ms: number): Promise<Connection>
  /** The connection that stands; null while one is being made. */
  standing(): Connection | null
}

/**
 * @param open makes a connection; whatever it throws, it is tried again
 * @param whom names in errors what is connected to
 */
export function keepConnected(open: (signal: AbortSignal) => Promise<Connection>, whom: string): Keeper {
  const stop = new AbortController()
  const waiting = new Set<(connection: Connection) => void>()
  let current: Connection | null = null
  let last = new CoordinatorLost('unreachable', `there is no connection to ${whom} yet`)

  const keep = async () => {
    let failures = 0
    let brief = 0
    while (!stop.signal.aborted) {
      try {
        current = await open(stop.signal)
        const since = performance.now()
        failures = 0
        for (const tell of waiting) tell(current)
        last = await reasonOf(current.over)
        // One that does not last is little better than none.
        brief = performance.now() - since > 1000 ? 0 : brief + 1
      } catch (error) {
        last = lostBy(error, whom)
        failures += 1
      }
      current = null
      const pause = Math.max(pauseAfter(failures, 500), pauseAfter(brief, 200))
      await sleep(pause, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const kept = keep()

  return {
    async ready(ms) {
      stop.signal.throwIfAborted()
      if (current !== null && !current.over.aborted) return current
      const { promise, resolve, reject } = Promise.withResolvers<Connection>()
      const fail = () => reject(last)
      const timer = setTimeout(fail, ms)
      const abort = () => reject(stop.signal.reason)
      stop.signal.addEventListener('abort', abort, { once: true })
      waiting.add(resolve)
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        stop.signal.removeEventListener('abort', abort)
        waiting.delete(resolve)
      }
    },
    standing: () => current,
    async [Symbol.asyncDispose]() {
      stop.abort(new CoordinatorLost('unreachable', `the link to ${whom} is closed`))
      await kept
    },
  }
}

function reasonOf(over: AbortSignal): Promise<CoordinatorLost> {
  return new Promise((resolve) => {
    if (over.aborted) resolve(over.reason)
    else over.addEventListener('abort', () => resolve(over.reason), { once: true })
  })
}

/** Many nodes lose one server at the same moment: they do not all come back at once. Milliseconds. */
function pauseAfter(attempts: number, most: number): number {
  return Math.min(most, 25 * 2 ** Math.min(attempts, 10)) * (0.5 + Math.random() / 2)
}
