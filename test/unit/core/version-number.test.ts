import { expect, test } from 'vitest'
import { isAtLeast, isVersion } from '../../../src/core/version-number.ts'

test.each([
  ['1.10.0', '1.9', true],
  ['1.9', '1.10.0', false],
  ['v2', '2.0.0', true],
  ['2.0.0-rc1', '2', true],
  ['3.9.1', '3.10', false],
  ['release 7.17.3 (a1b2c3)', '7.17.4', false],
])('%s against %s: %s', (version, minimum, isEnough) => {
  expect(isAtLeast(version, minimum)).toBe(isEnough)
})

test('a word without a number is no version', () => {
  expect(isVersion('latest')).toBe(false)
  expect(isVersion('v1')).toBe(true)
})
