import fc from 'fast-check'
import { expect, test } from 'vitest'
import { block, code, plain, table } from '../../../build/markdown.ts'

test('words stand for themselves', () => {
  expect(plain('a *b* _c_ snake_case <d> [e](f) `g` h|i ~j~ $k$ &amp; \\')).toBe(
    'a \\*b\\* \\_c\\_ snake_case \\<d\\> \\[e\\](f) \\`g\\` h\\|i \\~j\\~ \\$k\\$ \\&amp; \\\\',
  )
  expect(plain(' two\n\n  lines ')).toBe('two lines')
})

test('code may hold backticks and bars', () => {
  expect(code('a|b')).toBe('`a\\|b`')
  expect(code('a `b` c')).toBe('``a `b` c``')
  expect(code('`b`')).toBe('`` `b` ``')
  expect(code('a\\|b')).toBe('<code>a&#92;&#124;b</code>')
})

test('a block ends where it should, whatever it holds', () => {
  expect(block('yaml', 'a: b')).toBe('```yaml\na: b\n```')
  expect(block('', '```\n')).toBe('````\n```\n\n````')
})

test('whatever the cells hold, a table keeps its rows and columns', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '|', '`', '\\', '\n', '*', ' ', '<') })
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (cells) => {
      const rows = cells.map(([words, codes]) => [plain(words), code(codes)])
      const lines = table(['one', 'two'], rows).split('\n')
      expect(lines).toHaveLength(rows.length + 2)
      for (const line of lines) expect(line.match(bars)).toHaveLength(3)
    }),
  )
})

/** As a table is read: a bar after an odd number of backslashes is none of its own. */
const bars = /(?<!\\)(?:\\\\)*\|/g
