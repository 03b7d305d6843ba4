import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oneLine, plain } from '../../../src/core/plain.ts'

describe('plain', () => {
  test('takes out colours, cursor moves and turns of the reading direction', () => {
    expect(plain('\u001b[31mred\u001b[0m, \u001b]8;;http://x\u0007link\u001b]8;;\u0007')).toBe('red, link')
    expect(plain('invoice\u202Efdp.exe\u0000')).toBe('invoice fdp.exe ')
  })

  test('keeps lines, tabs and every language', () => {
    expect(plain('a\r\n\tb\rc\n内存已使用 93 % é 👍🏽')).toBe('a\n\tb\nc\n内存已使用 93 % é 👍🏽')
  })

  test('leaves nothing that a terminal would obey, and is done after once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const clean = plain(text)
        expect(clean.replace(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u)
        expect(plain(clean)).toBe(clean)
      }),
    )
  })
})

describe('one line', () => {
  test('is cut by whole characters, and says that it is', () => {
    expect(oneLine(' a\n\n b ')).toBe('a b')
    expect(oneLine('👍👍👍', 3)).toBe('👍👍👍')
    expect(oneLine('👍👍👍', 2)).toBe('👍…')
  })
})
