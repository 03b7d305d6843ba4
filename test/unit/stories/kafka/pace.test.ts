import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keep, type Moment, paceOf } from '../../../../stories/kafka/pace.ts'

const minute = 60_000
const rules = { window: 10 * minute, allowed: 0 }

/** Where a group stood, a minute apart: committed offset and end of the log. */
function paceAfter(stands: readonly (readonly [committed: number, end: number])[], given = rules) {
  let moments: readonly Moment[] = []
  for (const [index, [committed, end]] of stands.entries()) {
    moments = keep(moments, [index * minute, committed, end - committed], given)
  }
  return paceOf(moments, given)
}

const repeat = (times: number, at: (index: number) => readonly [number, number]) =>
  Array.from({ length: times }, (_, index) => at(index))

describe('the pace of a group in a partition', () => {
  test('a group that is up with the log is well, however often it commits', () => {
    expect(paceAfter(repeat(20, () => [40, 40]))).toBe('ok')
    expect(paceAfter(repeat(20, (minutes) => [minutes, minutes]))).toBe('ok')
  })

  test('it stands still when it commits nothing new while messages wait, all through the window', () => {
    expect(paceAfter(repeat(11, () => [5, 40]))).toBe('still')
    expect(paceAfter(repeat(11, (minutes) => [5, 40 + minutes]))).toBe('still')
  })

  test('it is too young to be judged until the window is full', () => {
    for (const minutes of [1, 2, 5, 10]) expect(paceAfter(repeat(minutes, () => [5, 40]))).toBe('young')
  })

  test('being up with the log once begins the window anew', () => {
    expect(
      paceAfter([...repeat(10, () => [5, 40] as const), [40, 40], ...repeat(9, () => [40, 60] as const)]),
    ).toBe('young')
    expect(paceAfter([[40, 40], ...repeat(11, () => [40, 60] as const)])).toBe('still')
  })

  test('it falls behind when its lag never shrinks and has grown', () => {
    expect(paceAfter(repeat(11, (minutes) => [minutes, 10 + 2 * minutes]))).toBe('losing')
    expect(paceAfter(repeat(11, (minutes) => [minutes, 10 + minutes]))).toBe('ok')
    expect(paceAfter(repeat(11, (minutes) => [2 * minutes, 30 + minutes]))).toBe('ok')
    expect(paceAfter(repeat(11, (minutes) => [minutes, minutes === 6 ? 8 : 10 + 2 * minutes]))).toBe('ok')
  })

  test('it has gone back when it commits less than before, and this is known at once', () => {
    expect(
      paceAfter([
        [40, 40],
        [10, 40],
      ]),
    ).toBe('rewound')
    expect(paceAfter([...repeat(11, (minutes) => [minutes + 5, 60] as const), [3, 60]])).toBe('rewound')
  })

  test('messages that may always wait are none', () => {
    const given = { window: 10 * minute, allowed: 10 }
    expect(
      paceAfter(
        repeat(20, () => [30, 40]),
        given,
      ),
    ).toBe('ok')
    expect(
      paceAfter(
        repeat(11, () => [29, 40]),
        given,
      ),
    ).toBe('still')
  })

  test('a group that gets on and is not outrun is never told, and little is remembered', () => {
    const gaps = fc.array(fc.integer({ min: 1000, max: 5 * minute }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 1000 }), (gaps, lag) => {
        let [moments, at, committed]: [readonly Moment[], number, number] = [[], 0, 0]
        for (const gap of gaps) {
          at += gap
          committed += 1
          moments = keep(moments, [at, committed, lag], rules)
          expect(['ok', 'young']).toContain(paceOf(moments, rules))
          expect(moments.length).toBeLessThan(45)
        }
      }),
    )
  })

  test('a group that stands still is told within two windows, however often it is looked at', () => {
    const gap = fc.integer({ min: 1000, max: 3 * minute })
    fc.assert(
      fc.property(gap, (gap) => {
        let moments: readonly Moment[] = []
        for (let at = 0; at <= 2 * rules.window; at += gap) moments = keep(moments, [at, 7, 3], rules)
        expect(paceOf(moments, rules)).toBe('still')
      }),
    )
  })
})
