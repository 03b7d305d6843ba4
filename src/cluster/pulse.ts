import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../core/clock.ts'
import type { Vitals } from '../core/cluster.ts'

/** How a node's heartbeats fare, over the last minute. */
export interface Pulse extends Disposable {
  /** A heartbeat was taken after so many milliseconds. */
  beat(roundTrip: number): void
  vitals(clockOffset: number, rounds: number, overruns: number): Vitals
}

const span = 60_000

export function createPulse(clock: Clock): Pulse {
  const began = clock.elapsed()
  const loop = monitorEventLoopDelay({ resolution: 20 })
  loop.enable()
  let beats: { readonly at: number; readonly roundTrip: number; readonly interval: number }[] = []
  let last = began
  return {
    beat(roundTrip) {
      const at = clock.elapsed()
      beats = [...beats.filter((one) => at - one.at < span), { at, roundTrip, interval: at - last }]
      last = at
    },
    vitals(clockOffset, rounds, overruns) {
      const loopLag = loop.percentile(99) / 1e6
      loop.reset()
      return {
        at: clock.now(),
        clockOffset: Math.round(clockOffset),
        roundTrip: percentile95(beats.map((one) => one.roundTrip)),
        interval: percentile95(beats.map((one) => one.interval)),
        loopLag: Number.isFinite(loopLag) ? Math.round(loopLag) : 0,
        uptime: Math.round(clock.elapsed() - began),
        rounds,
        overruns,
      }
    },
    [Symbol.dispose]: () => void loop.disable(),
  }
}

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0) * 10) / 10
}
