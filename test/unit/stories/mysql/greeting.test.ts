import { expect, test } from 'vitest'
import { readGreeting } from '../../../../stories/mysql/greeting.ts'

const packet = (body: Buffer) => Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])

test('a greeting of protocol 10 is MySQL', () => {
  expect(readGreeting(packet(Buffer.from('\x0a5.5.5-10.11.19-MariaDB\0', 'latin1')))).toBe('mysql')
  expect(readGreeting(packet(Buffer.from('\x0a8.4.3\0', 'latin1')))).toBe('mysql')
})

test('an error in its place is a refusal with its number', () => {
  const full = Buffer.from('\xff\x10\x04Too many connections', 'latin1')
  expect(readGreeting(packet(full))).toEqual({ errno: 1040 })
})

test('nothing and anything else are told apart', () => {
  expect(readGreeting(Buffer.alloc(0))).toBe('nothing')
  for (const other of [
    'SSH-2.0-OpenSSH',
    '220 mail ESMTP',
    '-ERR max number of clients reached',
    'x',
    '\0\0\0\0',
  ]) {
    expect(readGreeting(Buffer.from(other, 'latin1'))).toBe('other')
  }
})
