import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ClusterTiming } from '../../../src/core/cluster.ts'
import { profiles, timingFaults } from '../../../src/core/cluster-timing.ts'
import { render } from '../../../src/core/text.ts'

const fast: ClusterTiming = { beat: 200, valid: 1200, lease: 2000, clockStep: 300, settle: 200, batch: 100 }

function told(timing: ClusterTiming): readonly string[] {
  return timingFaults(timing).map(({ message, advice }) => `${render(message)}; ${render(advice)}`)
}

test.each([
  ['lan', profiles.lan],
  ['wide', profiles.wide],
  ['the timing of tests', fast],
])('%s breaks no rule', (_name, timing) => {
  expect(told(timing)).toEqual([])
})

test.each<[string, Partial<ClusterTiming>, readonly string[]]>([
  [
    'a lease that ends before a cut-off node gives up',
    { lease: 4800 },
    [
      '"lease" is 4800ms: too short for "valid" 3s and "clockStep" 750ms; two nodes could lead at once; make "lease" at least 4816ms, or make "valid" at most 2985ms',
    ],
  ],
  [
    'a clock that may jump for almost the whole lease',
    { clockStep: 2400 },
    [
      '"lease" is 5s: too short for "valid" 3s and "clockStep" 2400ms; two nodes could lead at once; make "lease" at least 8116ms, or make "clockStep" at most 842ms',
    ],
  ],
  [
    'a node that gives up after two lost heartbeats',
    { valid: 1900 },
    [
      '"valid" is 1900ms: too short for "beat" 500ms; a few lost heartbeats would cost a node its seats; make "valid" at least 1950ms, or make "beat" at most 487ms',
    ],
  ],
  [
    'a heartbeat that is slower than two others allow',
    { beat: 1000 },
    [
      '"valid" is 3s: too short for "beat" 1s; a few lost heartbeats would cost a node its seats; make "valid" at least 3900ms, or make "beat" at most 769ms',
      '"clockStep" is 750ms: too short for "beat" 1s; the clock of the leases would fall behind; make "clockStep" at least 1500ms, or make "beat" at most 500ms',
    ],
  ],
  [
    'a new node that comes too late',
    { settle: 6000, batch: 5001 },
    [
      '"settle" is 6s, longer than "lease" 5s; a new node would come too late; make "settle" at most 5s, or make "lease" at least 6s',
      '"batch" is 5001ms, longer than "lease" 5s; a new node would come too late; make "batch" at most 5s, or make "lease" at least 5001ms',
    ],
  ],
  ['a grid without a width', { batch: 0 }, ['"batch" must be more than 0ms; make "batch" at least 1s']],
  ['no pace', { beat: 0 }, ['"beat" must be more than 0ms; make "beat" at least 500ms']],
])('%s is told with its figures and a way out', (_what, own, expected) => {
  expect(told({ ...profiles.lan, ...own })).toEqual(expected)
})

const timings = fc.record<ClusterTiming>({
  beat: fc.integer({ min: 1, max: 5000 }),
  valid: fc.integer({ min: 1, max: 30_000 }),
  lease: fc.integer({ min: 1, max: 60_000 }),
  clockStep: fc.integer({ min: 1, max: 10_000 }),
  settle: fc.integer({ min: 0, max: 60_000 }),
  batch: fc.integer({ min: 1, max: 60_000 }),
})

test('a timing without faults ends the lease after every clock of a cut-off node, and one with faults names it', () => {
  fc.assert(
    fc.property(timings, (timing) => {
      const { lease, valid, clockStep } = timing
      // The holder's clock is slow, the one of Redis fast and jumps twice.
      const givesUp = valid / 0.95
      const isTaken = (lease - 2 * clockStep) / 1.05
      const isSafe = isTaken - givesUp > -1e-6
      expect(timingFaults(timing).some(({ settings }) => settings[0] === 'lease')).toBe(!isSafe)
    }),
    { numRuns: 2000 },
  )
})

test('a time that is just long enough breaks no rule, whatever computing adds in the last digits', () => {
  for (let beat = 10; beat <= 5000; beat += 10) {
    const timing = {
      ...profiles.wide,
      lease: 60_000,
      beat,
      valid: (beat * 39) / 10,
      clockStep: (beat * 3) / 2,
    }
    expect({ beat, faults: told(timing) }).toEqual({ beat, faults: [] })
  }
})

test('following the advice, again and again, ends in a timing without faults', () => {
  fc.assert(
    fc.property(timings, (start) => {
      let timing = start
      for (let turns = 0; timingFaults(timing).length > 0; turns++) {
        expect(turns, told(timing).join('\n')).toBeLessThan(12)
        for (const { advice } of timingFaults(timing)) {
          const [, setting = '', amount, unit] =
            /make "(\w+)" at (?:least|most) ([\d.]+)(ms|s)/.exec(render(advice)) ?? []
          timing = { ...timing, [setting]: Number(amount) * (unit === 's' ? 1000 : 1) }
        }
      }
    }),
    { numRuns: 1000 },
  )
})
