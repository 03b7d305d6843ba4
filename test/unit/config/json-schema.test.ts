import { defineStory, z } from 'healthz'
import { expect, test } from 'vitest'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import { channels, given, stories } from './fixtures.ts'

const schema = await jsonSchema(stories, channels)

/** What stands at a path of keys and indexes. */
function dig(form: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => Object(inner)[key], form)
}

test('it describes the whole file, in the draft that editors know', () => {
  expect(dig(schema, '$schema')).toBe('http://json-schema.org/draft-07/schema#')
  expect(dig(schema, 'required')).toEqual(['stories'])
  expect(dig(schema, 'additionalProperties')).toBe(false)
  expect(Object.keys(Object(dig(schema, 'properties')))).toEqual([
    'platform',
    'node',
    'language',
    'interval',
    'plugins',
    'stories',
    'channels',
    'alarms',
    'store',
    'http',
    'limits',
    'cluster',
    'consul',
    'roles',
  ])
  expect(dig(schema, 'properties', 'interval')).toEqual({
    description: 'how often a story is told where it says nothing else',
    default: '10m',
    allOf: [{ $ref: '#/definitions/duration' }],
  })
})

test('each kind of story brings its own options and steps', () => {
  const items = dig(schema, 'properties', 'stories', 'items')
  expect(dig(items, 'properties', 'story', 'enum')).toEqual(['cache', 'web'])
  expect(dig(items, 'allOf', 0, 'if')).toEqual({
    properties: { story: { const: 'cache' } },
    required: ['story'],
  })
  expect(dig(items, 'allOf', 0, 'then', 'required')).toEqual(['with'])
  expect(dig(items, 'allOf', 0, 'then', 'properties', 'with')).toMatchObject({
    description: 'Cache',
    additionalProperties: false,
    required: ['url'],
    properties: {
      timeout: { default: '2s' },
      db: { default: 0, anyOf: [{ type: 'integer', minimum: 0, maximum: 15 }, {}] },
    },
  })
  expect(dig(items, 'allOf', 0, 'then', 'properties', 'steps')).toMatchObject({
    additionalProperties: false,
    properties: {
      connect: { additionalProperties: false, properties: { severity: { $ref: '#/definitions/severity' } } },
      memory: {
        description: 'memory is left',
        anyOf: [
          { enum: ['on', 'off', true, false] },
          { properties: { confirm: {}, warning: { default: 80 } } },
        ],
      },
    },
  })
  expect(Object.keys(Object(dig(items, 'allOf', 1, 'then', 'properties', 'with', 'properties')))).toEqual([
    'url',
    'port',
    'headers',
    'expect',
  ])
})

test('each kind of channel brings its own options, beside use', () => {
  const allOf = dig(schema, 'properties', 'channels', 'additionalProperties', 'allOf')
  expect(dig(allOf, 0, 'if', 'properties')).toEqual({ use: { const: 'console' } })
  expect(dig(allOf, 1, 'if', 'properties')).toEqual({ use: { const: 'mail' } })
  expect(dig(allOf, 1, 'then')).toMatchObject({
    required: ['smtp', 'to'],
    additionalProperties: false,
    properties: { use: true },
  })
})

test('a placeholder may stand for a number, a flag, a choice and a duration', () => {
  const pattern = new RegExp(String(dig(schema, 'definitions', 'placeholder', 'pattern')))
  expect(['${X}', '${X:-3}', '${file:/x}', 'https://{host}/'].every((text) => pattern.test(text))).toBe(true)
  expect(['3', 'true', '{}'].some((text) => pattern.test(text))).toBe(false)
  const duration = new RegExp(String(dig(schema, 'definitions', 'duration', 'pattern')))
  expect(['30s', '1h 30m', '${EVERY}'].every((text) => duration.test(text))).toBe(true)
  expect(duration.test('30')).toBe(false)
})

test('every reference leads somewhere', () => {
  const names = [...JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref)
  const known = Object.keys(Object(dig(schema, 'definitions'))).map((name) => `#/definitions/${name}`)
  expect(names.filter((name) => !known.includes(name ?? ''))).toEqual([])
})

test('what has no form in JSON schema may be anything, and breaks nothing', async () => {
  const odd = defineStory({
    title: 'Odd',
    options: z.strictObject({
      when: z.date().optional(),
      big: z.bigint().optional(),
      code: z.custom<RegExp>((value) => value instanceof RegExp).optional(),
      body: z.json().optional(),
      shout: z.string().transform((text) => text.toUpperCase()),
    }),
    steps: { one: { title: 'one', limits: z.map(z.string(), z.number()), check: () => {} } },
  })
  const form = await jsonSchema(given({ odd }), channels)
  const then = dig(form, 'properties', 'stories', 'items', 'allOf', 0, 'then', 'properties')
  expect(dig(then, 'with', 'properties')).toMatchObject({
    when: {},
    code: {},
    body: {},
    shout: { type: 'string' },
  })
  expect(dig(then, 'steps', 'properties', 'one', 'anyOf', 1)).not.toHaveProperty('additionalProperties')
})
