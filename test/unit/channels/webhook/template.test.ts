import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fill, type Json, unknownPlaceholders } from '../../../../channels/webhook/template.ts'
import { aDigest, anAlarm } from '../../../support/alarms.ts'

const digest = aDigest([anAlarm('raised', { evidence: { used: 93, full: true }, tags: ['web', 'eu'] })])

describe('filling a template', () => {
  test('puts values into strings, at any depth', () => {
    const template = {
      msg: ['{subject}', 'at {alarms.0.entry}: {alarms.0.summary}!'],
      n: 1,
      no: null,
      yes: true,
    }
    expect(fill(template, digest)).toEqual({
      msg: [digest.subject, 'at cache: memory is 93 % full!'],
      n: 1,
      no: null,
      yes: true,
    })
  })

  test('keeps the type where the string is nothing but one placeholder', () => {
    expect(fill('{alarms}', digest)).toEqual(digest.alarms)
    expect(fill('{alarms.0.lastedSeconds}', digest)).toBe(120)
    expect(fill('{alarms.0.evidence.full}', digest)).toBe(true)
    expect(fill('{alarms.0.tags}', digest)).toEqual(['web', 'eu'])
  })

  test('writes what is no string as JSON inside a longer string', () => {
    expect(fill('{alarms.0.lastedSeconds} s, {alarms.0.evidence}', digest)).toBe(
      '120 s, {"used":93,"full":true}',
    )
  })

  test('gives nothing for an alarm that is not there', () => {
    expect(fill('{alarms.1.summary}', digest)).toBeNull()
    expect(fill('first {alarms.1.summary}.', digest)).toBe('first .')
  })

  test('does not look for placeholders in what it has put in', () => {
    const sly = aDigest([anAlarm('raised', { summary: '{node} $& {text}' })])
    expect(fill('x {alarms.0.summary}', sly)).toBe('x {node} $& {text}')
  })

  test('finds nothing but the digest’s own', () => {
    expect(fill('{alarms.0.constructor.name}', digest)).toBeNull()
    expect(fill('{constructor}', digest)).toBeNull()
  })

  test('leaves what holds no placeholder as it is', () => {
    const withoutBraces = fc.jsonValue().filter((value) => unknownPlaceholders(value as Json).length === 0)
    fc.assert(
      fc.property(withoutBraces, (value) => {
        expect(fill(value as Json, digest)).toEqual(value)
      }),
    )
  })
})

test.each([
  ['{subject} {text}{severity}', []],
  ['{alarms} {alarms.0} {alarms.12.summary} {alarms.0.evidence.any.thing} {labels.advice}', []],
  ['{ "json": {} } {0} {}', []],
  ['{summary}', ['{summary}']],
  ['{{subject}} {{ text }}', ['{{subject}}', '{{ text }}']],
  [
    { a: ['{subjct}'], b: '{alarms.first}', c: '{alarms.0.sumary} {labels.x}' },
    ['{subjct}', '{alarms.first}', '{alarms.0.sumary}', '{labels.x}'],
  ],
  ['{subject.length}', ['{subject.length}']],
])('the placeholders of %j that mean nothing are %j', (template, unknown) => {
  expect(unknownPlaceholders(template)).toEqual(unknown)
})
