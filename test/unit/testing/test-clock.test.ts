import { expect, test } from 'vitest'
import { testClock } from '../../../src/testing.ts'

test('it stands still until it is moved', async () => {
  const clock = testClock(1000)
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect([clock.now(), clock.elapsed()]).toEqual([1000, 0])
  clock.advance('1h30m')
  clock.advance(500)
  expect([clock.now(), clock.elapsed()]).toEqual([5_401_500, 5_400_500])
})

test('whoever waits wakes as soon as it was moved so far, in the order of their times', async () => {
  const clock = testClock()
  const woken: string[] = []
  const sleepers = [
    clock.sleep(3_600_000).then(() => woken.push('hour')),
    clock.sleep(60_000).then(() => woken.push('minute')),
  ]
  clock.advance('59s')
  await new Promise((resolve) => setImmediate(resolve))
  expect(woken).toEqual([])
  clock.advance('2h')
  await Promise.all(sleepers)
  expect(woken).toEqual(['minute', 'hour'])
})

test('a wait that nobody shortens takes its time, and the clock is later by it', async () => {
  const clock = testClock(1000)
  const start = performance.now()
  await clock.sleep(30)
  expect(performance.now() - start).toBeGreaterThan(25)
  expect(clock.now()).toBe(1030)
})

test('an aborted wait ends with the reason, and leaves no timer behind', async () => {
  const clock = testClock()
  const ending = new AbortController()
  const waiting = clock.sleep(3_600_000, ending.signal)
  ending.abort(new Error('stop'))
  await expect(waiting).rejects.toThrow('stop')
  await expect(clock.sleep(1, ending.signal)).rejects.toThrow('stop')
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(3)
})

test.each(['soon', -1, '1 fortnight'])('it does not go by %j', (by) => {
  expect(() => testClock().advance(by)).toThrow('not a length of time')
})
