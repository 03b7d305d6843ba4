import { expect, test } from 'vitest'
import { entry, faultsOf } from './fixtures.ts'

const routed = (...lines: readonly string[]) =>
  `${entry('with: { url: redis://h }')}channels: { ops: { use: console }, tty: { use: console } }\nalarms:\n${lines.map((l) => `  ${l}\n`).join('')}`

test.each([
  ['an unknown fallback', ['fallback: opps'], '6:13  there is no channel "opps"; did you mean "ops"?'],
  [
    'an unknown channel',
    ['routes: [{ to: [ops, mail] }]'],
    '6:24  there is no channel "mail"; known here: ops, tty',
  ],
  [
    'an unknown entry',
    ['routes: [{ match: { entry: cach }, to: [] }]'],
    '6:30  there is no entry "cach"; did you mean "cache"?',
  ],
  [
    'an unknown kind of story',
    ['routes: [{ match: { story: [web, webb] }, to: [] }]'],
    '6:36  there is no story "webb"; did you mean "web"?',
  ],
  [
    'a word for the list of channels',
    ['routes: [{ to: ops }]'],
    '6:18  "to" must be a list, not a text; put it in brackets: [ ]',
  ],
  ['a route to nowhere', ['routes: [{ match: {} }]'], '6:12  "to" is missing'],
  [
    'an unknown condition',
    ['routes: [{ match: { tags: x }, to: [] }]'],
    '6:23  unknown key "tags"; did you mean "tag"?',
  ],
])('%s is told with its place', async (_what, lines, fault) => {
  expect(await faultsOf(routed(...lines))).toEqual([fault])
})

test('routes may name entries that are disabled, made by each, or in fault', async () => {
  const text = `stories:
  - { story: cache, enabled: false, with: { url: redis://h } }
  - { story: web, name: "s-{h}", each: [{ h: a }], with: { url: "https://{h}/" } }
  - { story: web, with: { url: x } }
alarms: { routes: [{ match: { entry: [cache, s-a, web] }, to: [] }] }
`
  expect(await faultsOf(text)).toEqual(['4:32  "url" is not a URL'])
})
