import type { Clock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'

/**
 * A clock that stands still until a test moves it. Waiting on it takes as long as it should, so that deadlines hold
 * for real connections too, and what has waited finds the clock as much later.
 */
export interface TestClock extends Clock {
  /** Moves time forward by milliseconds or by a duration such as `20m`; who waits for less than that wakes. */
  advance(by: number | string): void
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock for tests that begins at a moment, in wall milliseconds; left out: now. */
export function testClock(start: number = Date.now()): TestClock {
  let elapsed = 0
  const sleepers = new Set<Sleeper>()
  const moveTo = (moment: number) => {
    elapsed = Math.max(elapsed, moment)
    for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) {
      if (sleeper.at <= elapsed) sleeper.wake()
    }
  }
  return {
    now: () => start + elapsed,
    elapsed: () => elapsed,
    sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (signal?.aborted) {
        reject(signal.reason)
        return promise
      }
      const at = elapsed + Math.max(0, ms)
      const end = () => {
        clearTimeout(timer)
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', abort)
      }
      const abort = () => {
        end()
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        at,
        wake() {
          end()
          resolve()
        },
      }
      const timer = setTimeout(() => moveTo(at), Math.max(0, ms))
      sleepers.add(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
      return promise
    },
    advance(by) {
      const ms = typeof by === 'number' ? by : parseDuration(by)
      if (ms === null || !(ms >= 0)) throw new Error(`not a length of time to advance by: ${by}`)
      moveTo(elapsed + ms)
    },
  }
}
