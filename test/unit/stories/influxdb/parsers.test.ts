import { expect, test } from 'vitest'
import { growth } from '../../../../stories/influxdb/growth.ts'
import { quoted } from '../../../../stories/influxdb/influxql.ts'
import { options } from '../../../../stories/influxdb/options.ts'
import { goDuration } from '../../../../stories/influxdb/slow-queries.ts'

test.each([
  ['34µs', 0.034],
  ['1.5ms', 1.5],
  ['1m3s', 63_000],
  ['2h5m10.5s', 7_510_500],
  ['120ns', 0.00012],
])('%s is %d ms', (text, ms) => {
  expect(goDuration(text)).toBeCloseTo(ms, 6)
})

test.each(['', '5', 'soon', '1m3', '-5s'])('"%s" is no length of time', (text) => {
  expect(goDuration(text)).toBeNull()
})

test('a name cannot end the quotes that it stands in', () => {
  expect(quoted('a"b\\')).toBe('"a\\"b\\\\"')
})

test('a counter that fell was reset', () => {
  expect([growth(5, 9), growth(9, 5)]).toEqual([4, 0])
})

test('a token and a user exclude each other', () => {
  const url = 'http://influx.example:8086'
  expect(options.safeParse({ url, token: 'abcd', user: 'me' }).success).toBe(false)
  expect(options.safeParse({ url: 'http://me:pw@influx.example:8086', token: 'abcd' }).success).toBe(false)
  expect(options.safeParse({ url, token: 'abcd' }).success).toBe(true)
})
