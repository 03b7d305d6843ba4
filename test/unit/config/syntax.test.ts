import { expect, test } from 'vitest'
import { faultsOf } from './fixtures.ts'

const sound = 'stories: [{ story: cache, with: { url: redis://h } }]\n'

test.each([
  ['an empty file', '', '1:1  the file is empty; it needs at least: stories: [{ story: host }]'],
  ['comments only', '# later\n', '1:1  the file is empty; it needs at least: stories: [{ story: host }]'],
  ['a list', '- a\n', '1:1  the file must be a mapping, with keys such as "stories" and "channels"'],
  ['a word', '\n  word\n', '2:3  the file must be a mapping, with keys such as "stories" and "channels"'],
  ['a tab', 'stories:\n\t- x\n', '2:1  a tab where YAML wants spaces; indent by two spaces'],
  [
    'two documents',
    `${sound}---\na: 1\n`,
    '2:1  a second document begins here, where one is wanted; remove the line ---',
  ],
  [
    'an unclosed quote',
    'platform: "shop\nnode: it\'s "a"',
    '1:11  not valid YAML: this text in quotes is not closed',
  ],
  [
    'an unclosed bracket',
    'stories: [1, 2\n',
    '2:1  not valid YAML: the indentation does not fit, or a bracket is not closed',
  ],
  [
    'a second colon',
    'platform: shop: x\n',
    '1:11  not valid YAML: a second ":" in one line, or wrong indentation; write a text that holds ": " in quotes',
  ],
  [
    'a forbidden first character',
    'platform: @x\n',
    '1:11  not valid YAML: a text cannot begin with this character; write it in quotes',
  ],
  ['an unknown tag', 'platform: !env x\n', '1:11  unknown tag; remove the tag'],
  [
    'an alias of nothing',
    'platform: *shop\n',
    '1:11  the alias names no anchor before it, or one that it stands in',
  ],
  [
    'an alias of what it stands in',
    'stories: &a [*a]\n',
    '1:14  the alias names no anchor before it, or one that it stands in',
  ],
  ['a list as a key', '? [a]\n: b\n', '1:3  a key must be a text'],
  ['a merge of a number', `${sound}limits: { <<: 3 }\n`, '1:1  "<<" takes over mappings only'],
  [
    'a placeholder without quotes in brackets',
    'stories:\n  - { story: cache, with: { url: ${URL} } }\n',
    '2:35  not valid YAML: this cannot stand here; inside { } and [ ] write "${NAME}" in quotes',
  ],
])('%s is told with its place', async (_what, text, fault) => {
  expect(await faultsOf(text)).toEqual([fault])
})

test('keys written twice are told, and the rest of the file is looked at all the same', async () => {
  expect(await faultsOf(`${sound}http: off\n"http": off\nintervall: 1m\n`)).toEqual([
    '3:1  the key "http" is written twice; keep one of them',
    '4:1  unknown key "intervall"; did you mean "interval"?',
  ])
})

test('several faults of syntax are told at once, the first of each line', async () => {
  expect(await faultsOf('platform: @x @y\nnode: "\\q"\n')).toEqual([
    '1:11  not valid YAML: a text cannot begin with this character; write it in quotes',
    '2:8  not valid YAML: unknown escape in a text in double quotes',
  ])
})

test('aliases that multiply each other are refused before they are followed', async () => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(`*${of}`).join(', ')}]\n`
  const bomb = `a: &a [1, 2]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}`
  expect(await faultsOf(bomb)).toEqual(['1:1  aliases of aliases grow out of all bounds'])
})

test('a file nested without end is refused', async () => {
  const [fault] = await faultsOf(`stories: ${'['.repeat(100_000)}`)
  expect(fault).toMatch(/^1:\d+ {2}nested too deeply$/)
})

test('no fault of syntax quotes the file', async () => {
  const faults = await faultsOf('channels:\n  ops: { password: hunter2 hunter2: [hunter2]] }\nhunter2\n')
  expect(faults.length).toBeGreaterThan(0)
  expect(faults.join()).not.toContain('hunter2')
})

test('anchors and merges work, and a fault stands where its value is written', async () => {
  const text = [
    'stories:',
    '  - &cache',
    '    story: cache',
    '    with: &at { url: redis://h, db: 99 }',
    '  - <<: *cache',
    '    name: other',
    '    with: { <<: *at, timeot: 3s }',
  ].join('\n')
  expect(await faultsOf(text)).toEqual([
    '4:37  "db" must be at most 15',
    '7:22  unknown key "timeot"; did you mean "timeout"?',
  ])
})
