import { join } from 'node:path'
import { expect, test } from 'vitest'
import { languageOf } from '../../../src/cli/language.ts'
import { fieldsOf } from '../../../src/cli/report/schema-fields.ts'
import { factsOf } from '../../../src/cli/report/story-facts.ts'
import { type StoryStyle, storiesText, storyText } from '../../../src/cli/report/story-text.ts'
import { displayWidth } from '../../../src/cli/report/typography.ts'
import { storyShape } from '../../../src/config/plugin-shape.ts'
import { pluginsIn } from '../../../src/config/plugins.ts'
import { english, render } from '../../../src/core/text.ts'
import { defineStory, duration, limit, say, secret, serverUrl, stepOf, z } from '../../../src/index.ts'

const root = join(import.meta.dirname, '../../..')
const style: StoryStyle = { colour: false, width: 80, language: english }
const step = stepOf<undefined, { readonly deep: boolean }>()

const belt = defineStory({
  title: say`Belt`,
  options: z.strictObject({
    deep: z.boolean().meta({ description: 'whether it looks inside' }).default(false),
    password: secret().optional(),
  }),
  guide: {
    example: '- story: belt\n  with: { deep: true }\n',
    rights: 'belt grant healthz look\n\nbelt reload',
  },
  steps: {
    running: step({
      title: say`it runs`,
      limits: z.strictObject({ patience: duration('2m'), names: z.array(z.string()).default(['left']) }),
      cures: [
        { title: say`start it`, consent: 'auto' },
        { title: say`kick it`, consent: 'ask' },
      ],
      check: () => {},
    }),
    inside: step({ title: 'it is clean', on: ({ deep }) => deep, check: () => {} }),
    colour: step({ title: 'it is blue', on: false, check: () => {} }),
  },
})

test('a kind is explained whole: example, options, steps with limits and cures, rights', () => {
  expect(storyText(factsOf('belt', belt), style)).toBe(`belt: Belt (one node tells it for the platform)

example:
  - story: belt
    with: { deep: true }

with:
  deep      boolean, default false: whether it looks inside
  password  secret: better given as \${VARIABLE} or \${file:/run/secrets/name}
            than written down

steps:
  running (on)
      it runs
      patience  duration, default 2m
      names     list of string, default [left]
      ✚ start it: runs by itself
      ✚ kick it: waits for a person's consent
  inside (on where the options ask for it)
      it is clean
  colour (off unless it is named)
      it is blue

least rights:
  belt grant healthz look

  belt reload
`)
})

test('a kind without guide, options, limits and cures says so little', () => {
  const bare = defineStory({
    title: 'Bare',
    scope: 'node',
    options: z.strictObject({}),
    steps: { a: { title: 'it is there', check: () => {} } },
  })
  expect(storyText(factsOf('bare', bare), style)).toBe(`bare: Bare (every node tells it about itself)

with:
  nothing to set

steps:
  a (on)
      it is there
`)
})

test('the list tells of each kind what it asks, when, and what it cures; and of a broken one why', () => {
  const broken = { kind: 'odd-one', fault: say`has no default export` }
  expect(storiesText([factsOf('belt', belt), broken], style)).toBe(`belt     Belt (3 steps)
    on                running
    by options        inside
    off               colour
    cures itself      running
    cures on consent  running
odd-one  cannot be used: has no default export
`)
})

test('what may be set is told with its type and default, also inside of lists and mappings', () => {
  const url = () => serverUrl('http:')
  const schema = z.strictObject({
    url: url(),
    nodes: z.array(url()).min(1),
    mode: z.enum(['a', 'b']).default('a'),
    version: z.union([z.literal(2), z.literal(3)]).default(3),
    expect: z.array(z.union([z.int(), z.string()])).default(['200-399']),
    scalar: z.json().optional(),
    when: z.union([duration(), z.literal('never')]).optional(),
    keys: z
      .array(z.strictObject({ key: z.string(), max: z.union([z.int(), z.strictObject({ of: z.string() })]) }))
      .default([]),
    warn: z.record(z.string(), z.strictObject({ limit: limit() })).optional(),
    body: z
      .strictObject({ json: z.strictObject({ path: z.string().default('a: b') }).optional() })
      .optional(),
  })
  const told = fieldsOf(schema).map(({ name, type, isRequired, standard }) =>
    [name, render(type), isRequired ? 'required' : standard].join('  '),
  )
  expect(told).toEqual([
    'url  URL  required',
    'nodes  list of URL  required',
    'mode  a | b  a',
    'version  2 or 3  3',
    'expect  list of integer or string  [200-399]',
    'scalar  anything  ',
    'when  duration or never  ',
    'keys  list of mapping  []',
    'keys[].key  string  required',
    'keys[].max  integer or mapping  required',
    'keys[].max.of  string  required',
    'warn  mapping  ',
    'warn.*.limit  limit  required',
    'body  mapping  ',
    'body.json  mapping  ',
    'body.json.path  string  "a: b"',
  ])
})

test('a schema that this zod cannot read leaves the rest to be told', () => {
  const foreign = { _zod: {} } as unknown as z.ZodType
  expect(fieldsOf(foreign)).toEqual([])
})

const kinds = pluginsIn(join(root, 'stories'), storyShape)
const chinese = await languageOf({ LANG: 'zh_CN.UTF-8' }, join(root, 'locales'))

test.each([
  [100, english],
  [80, chinese],
])(
  'in %d columns no line of a built-in kind is longer, but what is to be copied',
  async (width, language) => {
    const facts = await Promise.all(
      (await kinds.names()).map(async (kind) => factsOf(kind, await kinds.load(kind))),
    )
    const page = { colour: false, width, language }
    const copied = facts.flatMap(({ example, rights }) => `${example}\n${rights}`.split('\n'))
    const lines = [storiesText(facts, page), ...facts.map((one) => storyText(one, page))].join('').split('\n')
    const long = lines.filter((line) => displayWidth(line) > width && !copied.includes(line.slice(2)))
    expect(lines.length).toBeGreaterThan(300)
    expect(long).toEqual([])
  },
)

test('headings stand out on a terminal with colours', () => {
  expect(storyText(factsOf('belt', belt), { ...style, colour: true })).toContain(
    '\u001b[1mexample:\u001b[22m',
  )
})
