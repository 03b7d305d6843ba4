import { expect, test } from 'vitest'
import { faultsOf, load } from './fixtures.ts'

const each = (...lines: readonly string[]) =>
  ['stories:', '  - story: web', ...lines.map((l) => `    ${l}`), ''].join('\n')

test('one entry is made for each, with its values in the name and anywhere in the options', async () => {
  const plan = await load(
    each(
      'name: "site-{host}"',
      'each: [{ host: a.example, port: 81 }, { host: b.example, port: "${PORT}" }]',
      'with: { url: "https://{host}:{port}/x", port: "{port}", headers: { X: "{{host}} {host}" } }',
    ),
    { env: { PORT: '82' } },
  )
  expect(plan.entries.map(({ name, options }) => [name, options])).toEqual([
    ['site-a.example', { url: 'https://a.example:81/x', port: 81, headers: { X: '{host} a.example' } }],
    ['site-b.example', { url: 'https://b.example:82/x', port: 82, headers: { X: '{host} b.example' } }],
  ])
})

test('braces in an entry without each stay as they are', async () => {
  const plan = await load(each('with: { url: "https://a.example/{x}", headers: { X: "{host}" } }'))
  expect(plan.entries[0]?.options).toMatchObject({ headers: { X: '{host}' } })
})

test('what came out of the environment is not read for placeholders', async () => {
  const plan = await load(
    each(
      'name: "{host}"',
      'each: [{ host: a.example }]',
      'with: { url: "https://{host}/", headers: { X: "${X} {host}" } }',
    ),
    { env: { X: 'p{host}q' } },
  )
  expect(plan.entries[0]?.options).toMatchObject({ headers: { X: 'p{host}q a.example' } })
})

test.each([
  [
    'a placeholder without a value',
    ['name: "{hots}"', 'each: [{ host: a }, { host: b }]', 'with: { url: "https://{host}/{path}" }'],
    ['3:11  "each" has no "hots"; did you mean "host"?', '5:18  "each" has no "path"; known here: host'],
  ],
  [
    'entries of one name',
    ['each: [{ host: a }, { host: b }]', 'with: { url: "https://{host}/" }'],
    [
      '2:12  the name "web" is taken by the entry on line 2; put a value of "each" into the name, such as "site-{host}"',
    ],
  ],
  [
    'a fault that all share, once',
    ['name: "{host}"', 'each: [{ host: a }, { host: b }]', 'with: { url: "{host}" }'],
    ['5:18  "url" is not a URL'],
  ],
  [
    'a name that a value spoils',
    ['name: "{host}"', 'each: [{ host: a/b }]', 'with: { url: "https://{host}/" }'],
    ['3:11  "name": a name cannot hold "/", "," or line ends, nor begin or end with a blank'],
  ],
  ['a list of nothing', ['each: []', 'with: { url: https://a.example }'], ['3:11  "each" is empty']],
  [
    'values that are lists',
    ['name: "{host}"', 'each: [{ host: [a] }]', 'with: { url: https://a.example }'],
    ['4:20  "host" must be one of: a text, a number, true or false, not a list'],
  ],
  [
    'words',
    ['each: [a]', 'with: { url: https://a.example }'],
    ['3:12  "each[0]" must be a mapping, not a text'],
  ],
])('%s is told with its place', async (_what, lines, faults) => {
  expect(await faultsOf(each(...lines))).toEqual(faults)
})
