import { expect, test } from 'vitest'
import { createPulse } from '../../../src/cluster/pulse.ts'
import { fakeClock } from '../../support/fake-clock.ts'

test('the pulse tells the slow end of the last minute, and forgets what is older', async () => {
  const clock = fakeClock(0)
  using pulse = createPulse(clock)
  for (let beat = 0; beat < 40; beat++) {
    await clock.advance(500)
    pulse.beat(beat < 4 ? 90 : 2)
  }
  expect(pulse.vitals(0, 0, 0)).toMatchObject({ roundTrip: 90, interval: 500 })
  await clock.advance(45_000)
  pulse.beat(2)
  const { roundTrip, interval, uptime } = pulse.vitals(0, 0, 0)
  expect([roundTrip, uptime]).toEqual([2, 65_000])
  expect(interval, 'one late beat among thirty is no habit').toBe(500)
})

test('a pulse without a beat is all zero', () => {
  using pulse = createPulse(fakeClock(0))
  expect(pulse.vitals(-3.4, 7, 1)).toMatchObject({
    ...{ roundTrip: 0, interval: 0, clockOffset: -3, rounds: 7, overruns: 1 },
  })
})
