import fc from 'fast-check'
import { expect, test } from 'vitest'
import { displayWidth, padEnd, padStart, wrap } from '../../../src/cli/report/typography.ts'

test('Chinese is broken where the line is full, but never before a comma or between a figure and its unit', () => {
  expect(wrap('磁盘已满，请释放空间', 10)).toEqual(['磁盘已满，', '请释放空间'])
  expect(wrap('磁盘已写满，请释放', 10)).toEqual(['磁盘已写', '满，请释放'])
  expect(wrap('已等待 30 秒（阈值 5 秒）', 12)).toEqual(['已等待 30 秒', '（阈值', '5 秒）'])
})

test('nothing is lost, and no line begins with what ends another', () => {
  const characters = fc.constantFrom('中', '文', '，', '。', '（', '）', 'a', ' ', '1')
  const texts = fc.array(characters, { maxLength: 80 }).map((list) => list.join(''))
  fc.assert(
    fc.property(texts, (text) => {
      const lines = wrap(text, 20)
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      expect(lines.filter((line) => /^[，。）]/.test(line) && line !== lines[0])).toEqual([])
    }),
  )
})

test('columns are as wide as they look', () => {
  expect([padEnd('订单', 6), padStart('12 毫秒', 8), padEnd('long', 2)]).toEqual([
    '订单  ',
    ' 12 毫秒',
    'long',
  ])
  expect(displayWidth(padEnd('订单 a', 12))).toBe(12)
})
