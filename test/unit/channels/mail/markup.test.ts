import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf, markup } from '../../../../channels/mail/markup.ts'

test('a string cannot become markup, in text or in an attribute', () => {
  expect(markup`<b title="${'"x\' & y'}">${'<i>'}</b>`.html).toBe(
    '<b title="&#34;x&#39; &#38; y">&#60;i&#62;</b>',
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(markup`${text}`.html).not.toMatch(/[<>"']/)
      expect(linesOf(text).html.replaceAll('<br>', '')).not.toMatch(/[<>"']/)
    }),
  )
})

test('markup is taken as it is, a list of it one after the other', () => {
  const items = ['a', '<'].map((text) => markup`<li>${text}</li>`)
  expect(markup`<ul>${items}</ul>`.html).toBe('<ul><li>a</li><li>&#60;</li></ul>')
})

test('lines stay lines', () => {
  expect(linesOf('a\n<b').html).toBe('a<br>&#60;b')
})
