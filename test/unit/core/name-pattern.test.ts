import { expect, test } from 'vitest'
import { isNamed } from '../../../src/core/name-pattern.ts'

test.each([
  ['orders', ['orders'], true],
  ['orders', ['order'], false],
  ['my-orders', ['orders'], false],
  ['orders.eu', ['orders.*'], true],
  ['ordersXeu', ['orders.*'], false],
  ['a.orders.b', ['*.orders.*'], true],
  ['two\nlines', ['*'], true],
  ['', ['*'], true],
  ['a+b', ['a+b'], true],
  ['aab', ['a+b*'], false],
  ['[x]|(y)', ['[x]|(*)'], true],
  ['mail', ['orders', 'ma*'], true],
  ['mail', [], false],
])('whether %j is one of %j: %s', (name, patterns, expected) => {
  expect(isNamed(name, patterns)).toBe(expected)
})
