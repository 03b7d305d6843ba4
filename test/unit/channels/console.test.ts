import { expect, test } from 'vitest'
import console, { blockOf } from '../../../channels/console.ts'
import { aDigest, anAlarm } from '../../support/alarms.ts'

test('prints the subject and the text as one block, plain where there may be no colours', () => {
  const digest = aDigest()
  expect(blockOf(digest, false)).toBe(`${digest.subject}\n\n${digest.text}\n\n`)
})

test.each([
  ['critical', 31, anAlarm('raised')],
  ['warning', 33, anAlarm('raised', { severity: 'warning' })],
  ['ok', 32, anAlarm('recovered')],
] as const)('shows %s by the colour of the subject', (_, code, alarm) => {
  const { subject } = aDigest([alarm])
  expect(blockOf(aDigest([alarm]), true)).toContain(
    `\u001b[1m\u001b[${code}m${subject}\u001b[39m\u001b[22m\n`,
  )
})

test('goes to stdout unless told otherwise', () => {
  expect(console.options.parse({})).toEqual({ to: 'stdout' })
  expect(console.options.safeParse({ to: 'file' }).success).toBe(false)
})
