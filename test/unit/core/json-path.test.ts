import { expect, test } from 'vitest'
import { jsonPath, valueAt } from '../../../src/core/json-path.ts'

const document = {
  data: { items: [{ size: 1 }, { size: null }], 'odd.key': [true], length: 'own' },
  name: 'four',
  0: 'zero',
}

test.each([
  ['name', 'four'],
  ['data.items[0].size', 1],
  ['data.items[1].size', null],
  ['data.items.length', 2],
  ['name.length', 4],
  ['data.length', 'own'],
  ['data["odd.key"][0]', true],
  ['["name"]', 'four'],
  ['data.items[2].size', undefined],
  ['data.items[0].size.unit', undefined],
  ['data.items[1].size.unit', undefined],
  ['constructor', undefined],
  ['name.constructor', undefined],
])('%s stands for %j', (path, value) => {
  expect(valueAt(document, jsonPath().parse(path))).toBe(value)
})

test('a list at the top is reached by its index', () => {
  expect(valueAt([{ a: 1 }], jsonPath().parse('[0].a'))).toBe(1)
  expect(valueAt([1, 2], jsonPath().parse('length'))).toBe(2)
})

test.each(['', '.', 'a.', '.a', 'a..b', 'a[x]', 'a[0', 'a]', 'a["b]', '$.a b"'])('%j is no path', (path) => {
  expect(jsonPath().safeParse(path).success).toBe(false)
})
