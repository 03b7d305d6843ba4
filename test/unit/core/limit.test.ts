import { expect, test } from 'vitest'
import { gradeOf } from '../../../src/core/grade.ts'
import { isPast, limit } from '../../../src/core/limit.ts'

test.each([
  ['> 100', 101, true],
  ['> 100', 100, false],
  ['>=0.5', 0.5, true],
  ['<= -1', 0, false],
  ['< 10', 9, true],
  ['== 0', 0, true],
  ['!= 3', 3, false],
])('%s forbids %d: %s', (text, value, isForbidden) => {
  const grade = (figure: number, limits: Parameters<typeof gradeOf>[1]) => gradeOf(figure, limits, null)
  expect(isPast(value, limit().parse(text), 'warning', '', grade)).toBe(isForbidden)
})

test('a limit that opened closes at nine tenths of it', () => {
  const raised = (figure: number, limits: Parameters<typeof gradeOf>[1]) => gradeOf(figure, limits, 'warning')
  expect(isPast(95, limit().parse('> 100'), 'warning', '', raised)).toBe(true)
  expect(isPast(89, limit().parse('> 100'), 'warning', '', raised)).toBe(false)
})

test.each(['100', '=> 1', '> much', '> 1 or 2', ''])('%j is no limit', (text) => {
  expect(limit().safeParse(text).success).toBe(false)
})
