import { defineStory, z } from 'healthz'
import { expect, test } from 'vitest'
import { entry, faultsOf, given, load } from './fixtures.ts'

const withSteps = (...lines: readonly string[]) =>
  entry('with: { url: redis://h }', 'steps:', ...lines.map((l) => `  ${l}`))

test.each(['off', 'false', '"off"'])('a step is switched off by %s', async (word) => {
  const plan = await load(withSteps(`memory: ${word}`))
  expect(plan.entries[0]?.steps['memory']).toEqual({ on: false, limits: undefined })
})

test.each(['on', 'true'])('a step that is off by itself is switched on by %s', async (word) => {
  const plan = await load(withSteps(`replication: ${word}`))
  expect(plan.entries[0]?.steps['replication']).toEqual({ on: true, limits: undefined })
})

test('naming a step with settings switches it on', async () => {
  const plan = await load(withSteps('audit: { most: 3 }', 'replication: { confirm: 4 }'))
  expect(plan.entries[0]?.steps).toMatchObject({
    audit: { on: true, limits: { most: 3 } },
    replication: { on: true },
  })
  expect(plan.entries[0]?.policy.steps).toEqual({ replication: { confirm: 4 } })
})

test.each([
  ['an unknown step', 'latncy: off', '5:7  the story has no step "latncy"; did you mean "latency"?'],
  ['an unknown limit', 'memory: { critcal: 1 }', '5:17  unknown key "critcal"; did you mean "critical"?'],
  [
    'a misspelt word',
    'memory: { severty: warning }',
    '5:17  unknown key "severty"; did you mean "severity"?',
  ],
  [
    'a limit of a step without',
    'latency: { max: 1 }',
    '5:18  unknown key "max"; known here: severity, confirm, clear',
  ],
  ['a limit of another kind', 'memory: { warning: much }', '5:26  "warning" must be a number, not a text'],
  [
    'a limit that would be dropped',
    'audit: { most: 1, least: 2 }',
    '5:25  unknown key "least"; known here: most, severity, confirm, clear',
  ],
  ['a limit left out', 'audit: on', '5:14  "most" is missing'],
  ['a limit left out of a mapping', 'audit: { confirm: 1 }', '5:14  "most" is missing'],
  ['a word of no meaning', 'memory: maybe', '5:15  a step is "on", "off" or a mapping with its settings'],
  ['a step left empty', 'memory:', '5:7  a step is "on", "off" or a mapping with its settings'],
  ['a count that is none', 'memory: { confirm: 0 }', '5:26  "confirm" must be at least 1'],
])('%s is told with its place', async (_what, line, fault) => {
  expect(await faultsOf(withSteps(line))).toEqual([fault])
})

test('limits take numbers from the environment', async () => {
  const plan = await load(withSteps('memory: { warning: "${W}" }'), { env: { W: '12.5' } })
  expect(plan.entries[0]?.steps['memory']?.limits).toEqual({ warning: 12.5, critical: 90 })
})

test('cures can be allowed for steps that are there', async () => {
  const text = entry('with: { url: redis://h }', 'resolve: { allow: [memory, latncy] }')
  expect(await faultsOf(text)).toEqual(['4:32  the story has no step "latncy"; did you mean "latency"?'])
})

test('a step that fails to say whether it is on is told', async () => {
  const odd = defineStory({
    title: 'Odd',
    options: z.strictObject({}),
    steps: {
      one: {
        title: 'one',
        on: () => {
          throw new Error('no')
        },
        check: () => {},
      },
    },
  })
  expect(await faultsOf('stories:\n  - story: odd\n', { kinds: given<never>({ odd }) })).toEqual([
    '2:5  the step "one" fails to say whether it is on; write it down: on or off',
  ])
})
