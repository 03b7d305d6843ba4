import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { teller, testClock } from 'healthz/testing'
import story from './index.ts'

test('a file that waits too long is a problem; a directory that is gone is unknown, never ok', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'inbox-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const clock = testClock()
  const watch = teller(story, { with: { directory, maxAge: '5m' }, clock })

  assert.deepEqual((await watch.tell()).ok('waiting'), ['it is empty'])

  const file = join(directory, 'a.csv')
  await writeFile(file, '')
  await utimes(file, clock.now() / 1000, clock.now() / 1000)
  clock.advance('4m')
  assert.deepEqual((await watch.tell()).ok('waiting'), ['1 file, the oldest waits for 4 min'])

  clock.advance('16m')
  const { severity, summary, evidence } = (await watch.tell()).problem('waiting')
  assert.equal(severity, 'critical')
  assert.match(summary, /for 20 min \(limit 5 min\)$/)
  assert.deepEqual(evidence, { files: 1, ageSeconds: 1200 })

  await rm(directory, { recursive: true })
  assert.match((await watch.tell()).unknown('waiting'), /ENOENT/)
})
