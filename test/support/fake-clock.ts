import type { Clock } from '../../src/core/clock.ts'

/** A clock that a test turns by hand; wall and monotonic time move together unless the wall is set apart. */
export interface FakeClock extends Clock {
  /** Moves time forward, waking sleepers in their order, and lets what they started settle. */
  advance(ms: number): Promise<void>
  /** Advances from sleeper to sleeper until the promise settles. */
  until<Result>(promise: Promise<Result>): Promise<Result>
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export function fakeClock(start = Date.parse('2026-11-20T03:00:00Z')): FakeClock {
  let elapsed = 0
  const sleepers = new Set<Sleeper>()
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const next = () => [...sleepers].sort((a, b) => a.at - b.at)[0]
  const clock: FakeClock = {
    now: () => start + elapsed,
    elapsed: () => elapsed,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const abort = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          at: elapsed + Math.max(0, ms),
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', abort)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    async advance(ms) {
      const end = elapsed + ms
      await settle()
      for (let sleeper = next(); sleeper !== undefined && sleeper.at <= end; sleeper = next()) {
        elapsed = Math.max(elapsed, sleeper.at)
        sleeper.wake()
        await settle()
      }
      elapsed = end
    },
    async until(promise) {
      let isSettled = false
      const mark = () => {
        isSettled = true
      }
      promise.then(mark, mark)
      await settle()
      while (!isSettled) {
        const sleeper = next()
        if (sleeper === undefined) {
          await settle()
          if (isSettled) break
          throw new Error('nothing sleeps and nothing settles')
        }
        elapsed = Math.max(elapsed, sleeper.at)
        sleeper.wake()
        await settle()
      }
      return promise
    },
  }
  return clock
}
