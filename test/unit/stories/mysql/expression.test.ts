import { expect, test } from 'vitest'
import { gradeOf } from '../../../../src/core/grade.ts'
import { isPast, limit } from '../../../../stories/mysql/expression.ts'

const past = (text: string, value: number, before: 'warning' | null = null) =>
  isPast(value, limit().parse(text), 'warning', '', (figure, limits) => gradeOf(figure, limits, before))

test.each([
  ['> 100', 101, 100],
  ['>=100', 100, 99],
  ['< 0.5', 0.4, 0.5],
  ['<= -1', -1, 0],
  ['== 0', 0, 1],
  [' != 1 ', 2, 1],
])('%s forbids %d and not %d', (text, bad, good) => {
  expect(past(text, bad)).toBe(true)
  expect(past(text, good)).toBe(false)
})

test('a limit that opened closes a little further on', () => {
  expect(past('> 100', 95, 'warning')).toBe(true)
  expect(past('> 100', 89, 'warning')).toBe(false)
  expect(past('< 100', 105, 'warning')).toBe(true)
})

test('what is no limit is a fault', () => {
  for (const text of ['100', '> x', '=> 1', '']) expect(limit().safeParse(text).success).toBe(false)
})
