import { expect, test } from 'vitest'
import { faultsOf, load } from './fixtures.ts'

const stories = (...lines: readonly string[]) =>
  `stories:\n${lines.map((line) => `  - { ${line} }\n`).join('')}`
const cache = 'story: cache, with: { url: redis://h }'
const web = (more: string) => `story: web, ${more}, with: { url: "https://h/" }`

test('an entry may depend on others, on single steps of them, and by its each', async () => {
  const { entries } = await load(
    stories(
      cache,
      web('name: page, dependsOn: [cache, cache/memory]'),
      web('name: "s-{of}", each: [{ of: cache }], dependsOn: ["{of}"]'),
    ),
  )
  expect(entries.map(({ dependsOn }) => dependsOn)).toEqual([
    [],
    [
      { entry: 'cache', step: null },
      { entry: 'cache', step: 'memory' },
    ],
    [{ entry: 'cache', step: null }],
  ])
})

test.each([
  ['an unknown entry', [web('dependsOn: [cach]')], '3:31  there is no entry "cach"; did you mean "cache"?'],
  [
    'an unknown step',
    [web('dependsOn: [cache/memry]')],
    '3:31  the entry "cache" has no step "memry"; did you mean "memory"?',
  ],
  ['itself', [web('dependsOn: [web]')], '3:30  these depend on each other: web -> web'],
  [
    'a circle',
    [web('name: a, dependsOn: [b]'), web('name: b, dependsOn: [a]')],
    '3:39  these depend on each other: a -> b -> a',
  ],
  [
    'what every node tells of itself',
    ['story: web, name: own, scope: node, with: { url: "https://h/" }', web('dependsOn: [own]')],
    '4:31  "own" is told by every node of itself, and this by one node for all; give both the same scope',
  ],
])('%s is told with its place', async (_what, lines, fault) => {
  expect(await faultsOf(stories(cache, ...lines))).toEqual([fault])
})
