import { expect, test } from 'vitest'
import { findVersion } from '../../../../stories/version/find-version.ts'

test.each([
  ['3.9.1\n', undefined, '3.9.1'],
  ['openjdk version "17.0.19" 2026-04-21\n', undefined, '17.0.19'],
  ['agent2 build 7, version 1.10.2-rc1 (linux)', undefined, '1.10.2-rc1'],
  ['release 12', undefined, '12'],
  ['name: web\nversion: v4.2\n', /^version: (\S+)$/m, 'v4.2'],
  ['V5 at last', /V\d/, 'V5'],
  ['no number at all', undefined, null],
  ['1.2.3', /release (\S+)/, null],
])('%j with %s says %s', (text, pattern, version) => {
  expect(findVersion(text, pattern)).toBe(version)
})

test('what is shown of a text is short', () => {
  expect(findVersion(`1.${'2'.repeat(500)}`, undefined)).toHaveLength(40)
})
