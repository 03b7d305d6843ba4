import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readSession, writeSession } from '../../../src/cluster/session-file.ts'

function place(): string {
  const dir = mkdtempSync(join(tmpdir(), 'hz-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

test('a session is read as it was written, and leaves no other file behind', () => {
  const dir = place()
  const file = join(dir, 'healthz.db.session')
  expect(readSession(file)).toBeNull()
  writeSession(file, { key: 'n1@1', floor: 1, generation: '' })
  writeSession(file, { key: 'n1@2', floor: 1_795_229_914_952, generation: 'g1' })
  expect(readSession(file)).toEqual({ key: 'n1@2', floor: 1_795_229_914_952, generation: 'g1' })
  expect(readdirSync(dir)).toEqual(['healthz.db.session'])
})

test.each([
  '',
  '{',
  '{"key":"n1@1"}',
  '{"key":"n1@1","floor":1}',
  '{"key":7,"floor":1,"generation":""}',
  '{"key":"n1@1","floor":-1,"generation":""}',
])('a file that holds %j is as good as none', (content) => {
  const file = join(place(), 'x.session')
  writeFileSync(file, content)
  expect(readSession(file)).toBeNull()
})

test('a place that takes no writes does no harm', () => {
  expect(() =>
    writeSession(join(place(), 'missing', 'x'), { key: 'a@1', floor: 0, generation: '' }),
  ).not.toThrow()
})
