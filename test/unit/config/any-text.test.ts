import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { entrySchema } from '../../../src/config/entry-schema.ts'
import { ConfigFaults } from '../../../src/config/fault.ts'
import { topSchema } from '../../../src/config/schema.ts'
import { load } from './fixtures.ts'

const keys = fc.constantFrom(
  ...Object.keys(topSchema.shape),
  ...Object.keys(entrySchema.shape),
  ...[
    'url',
    'use',
    'to',
    'memory',
    'connect',
    'match',
    'mode',
    'allow',
    '<<',
    '__proto__',
    'constructor',
    'toString',
    '',
  ],
)
const scalars = fc.oneof(
  fc.constantFrom(
    'cache',
    'web',
    'mail',
    'off',
    'on',
    '10s',
    '${X}',
    '${HOME}',
    '${',
    '{host}',
    'redis://h',
    'https://a',
    '* * * * *',
    '***',
  ),
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 6, withCrossShrink: true }, scalars, tie('list'), tie('mapping')),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  mapping: fc.dictionary(keys, tie('tree'), { maxKeys: 6 }),
}))

async function loads(text: string): Promise<boolean> {
  try {
    await load(text, { env: { HOME: '/x' } })
    return true
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error
    expect(error.faults.length).toBeGreaterThan(0)
    for (const { line, column } of error.faults) expect(Math.min(line, column)).toBeGreaterThanOrEqual(0)
    return false
  }
}

test('any tree of values is a plan or a list of faults', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(keys, tree, { maxKeys: 8 }), async (file) => {
      await loads(stringify(file))
    }),
    { numRuns: 300 },
  )
})

test('any change to a sound file is a plan or a list of faults', { timeout: 120_000 }, async () => {
  const sound = `stories:
  - &a { story: cache, name: "c-{h}", each: [{ h: 1 }], with: { url: redis://h, note: "\${HOME}" }, steps: { memory: off } }
  - { <<: *a, name: "d-{h}" }
channels: { ops: { use: mail, smtp: smtp://h, to: [a@b.example] } }
alarms: { routes: [{ match: { severity: critical }, to: [ops] }] }
`
  expect(await loads(sound)).toBe(true)
  const pieces = fc.oneof(
    fc.constantFrom(
      '\n',
      '  ',
      '\t',
      ':',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a ',
      '*a',
      '<<: ',
      '${',
      '#',
      '|\n',
      '---\n',
      '!!x ',
      '? ',
    ),
    fc.string({ maxLength: 3 }),
  )
  const changes = fc.array(fc.tuple(fc.nat(sound.length), fc.nat(4), pieces), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const changed = all.reduce(
        (text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length),
        sound,
      )
      await loads(changed)
    }),
    { numRuns: 500 },
  )
})
