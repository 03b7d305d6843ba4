import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultsOf, textsOf, textsOfTree } from '../../../build/texts.ts'
import { count, render, say } from '../../../src/core/text.ts'

const core = "import { count, say } from '../core/text.ts'; "

test('a template is found as say builds it, with its place', () => {
  const source = `${core}\nconst it: Text = say\`a \\\`quoted\\\`\\n"line" \${x as string} to \${f(y)}, z\``
  const said = say`a \`quoted\`\n"line" ${'x'} to ${'y'}, z`
  expect([...textsOf('src/a/b.ts', source).keys]).toEqual([[said.template, 'src/a/b.ts:2']])
})

test('a template within a template is found too', () => {
  expect(keysOf('say`a ${say`b ${1}`} ${[say`c`, say`d`]}`')).toEqual(['a {0} {1}', 'b {0}', 'c', 'd'])
})

test('a counted noun is found as render asks for it', () => {
  const texts = { '# messages': '# 条消息', '# children': '# 个' }
  for (const [noun, source] of [
    [count(2, 'message'), "count(n, 'message')"],
    [count(1, 'child', 'children'), "count(n, 'child', 'children')"],
  ] as const) {
    const [key = ''] = keysOf(source)
    expect(Object.keys(texts)).toContain(key)
    expect(render(say`${noun}`, { code: 'zh-CN', texts })).not.toContain(key.slice(2))
  }
  expect(keysOf("count(n, is ? 'message' : 'reply', is ? 'messages' : 'replies')")).toEqual([
    '# messages',
    '# replies',
  ])
})

test('say and count are known by what they are, not by their names', () => {
  const other = "import { say as tell, count as number } from 'healthz'; import { say } from './mine.ts'; "
  const source = `${other}tell\`a\`; number(n, 'b'); say\`c\`; count(n); list.count(n, 'd')`
  expect([...textsOf('stories/a.ts', source).keys.keys()]).toEqual(['a', '# bs'])
})

test('what the schemas of options say is found: faults everywhere, descriptions where they are shown', () => {
  const source = `z.string().regex(/a/, { error: 'not an a' }).describe('an a').meta({ description: 'b', title: 'c' })
    issues.push({ code: 'custom', message: 'd' })
    const fault = () => ({ path: [], message: 'e' })
    log({ message: 'f' })
    const told = { error: 'g' }`
  const keysIn = (file: string) => [...textsOf(file, core + source).keys.keys()].sort()
  expect(keysIn('stories/a.ts')).toEqual(['an a', 'b', 'd', 'e', 'not an a'])
  expect(keysIn('src/config/a.ts')).toEqual(['d', 'e', 'not an a'])
})

test('a noun that is not written out is a fault, as is a file that cannot be read', () => {
  expect(textsOf('src/a/b.ts', `${core}count(n, noun)`).faults).toEqual([
    'src/a/b.ts:1: count() needs its noun as a literal, to be translated',
  ])
  expect(textsOf('src/a/b.ts', 'const = 1').faults).toHaveLength(1)
})

test('a whole translation passes, with its values in any order', () => {
  const source = "say`a ${1} b ${2}`; count(n, 'message')"
  expect(check(source, { 'a {0} b {1}': '乙{1}甲{0}', '# messages': '# 条消息' })).toEqual([])
})

test.each([
  ['a text left out', {}, 'missing: "a {0}" (src/a/b.ts:1)'],
  ['a text left over', { 'a {0}': '{0}', old: '旧' }, 'stale: "old" stands nowhere in the code'],
  ['a value left out', { 'a {0}': '甲' }, 'values: "a {0}" has {0}, its translation has none'],
  ['another value', { 'a {0}': '甲{1}' }, 'values: "a {0}" has {0}, its translation has {1}'],
  ['an empty text', { 'a {0}': '' }, 'empty: "a {0}"'],
  ['no text', { 'a {0}': 7 }, 'empty: "a {0}"'],
])('%s is a fault', (_, translation, fault) => {
  expect(check('say`a ${1}`', translation)).toEqual([fault])
})

test('a counted noun must be counted in the translation', () => {
  expect(check("count(n, 'message')", { '# messages': '条消息' })).toEqual([
    'values: "# messages" has #, its translation has none',
  ])
})

test('the texts of the project itself are read, units and the comma included', () => {
  const keys = [...textsOfTree(join(import.meta.dirname, '../../..')).keys.keys()]
  expect(keys).toEqual(expect.arrayContaining(['unit ms', 'unit s', 'unit min', 'unit h', 'unit d', ', ']))
  expect(keys.length).toBeGreaterThan(50)
})

const keysOf = (source: string) => [...textsOf('src/a/b.ts', core + source).keys.keys()]

const check = (source: string, translation: Record<string, unknown>) =>
  faultsOf(textsOf('src/a/b.ts', core + source), translation)
