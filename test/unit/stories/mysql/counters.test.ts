import { expect, test } from 'vitest'
import { highestOf, usedOf } from '../../../../stories/mysql/counters.ts'

test.each([
  ['tinyint(4)', 127],
  ['tinyint(3) unsigned', 255],
  ['smallint unsigned', 65_535],
  ['mediumint(8) unsigned', 16_777_215],
  ['int', 2_147_483_647],
  ['int(11)', 2_147_483_647],
  ['INT(10) UNSIGNED', 4_294_967_295],
  ['int(10) unsigned zerofill', 4_294_967_295],
  ['bigint(20)', 2 ** 63],
  ['bigint unsigned', 2 ** 64],
  ['double', 2 ** 53 - 1],
  ['float unsigned', 16_777_216],
  ['varchar(10)', null],
])('%s counts up to %d', (type, highest) => {
  expect(highestOf(type)).toBe(highest)
})

test('the next number is not used yet', () => {
  const counter = { table: 'd.t', column: 'id', type: 'tinyint', highest: 127 }
  expect(usedOf({ ...counter, next: 1 })).toBe(0)
  expect(usedOf({ ...counter, next: 128 })).toBe(100)
})
