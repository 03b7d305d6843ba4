import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import version from '../../../stories/version/index.ts'
import { type HttpReceiver, startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { freePort } from '../../support/servers/ports.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { teller } from '../../support/teller.ts'

const marker = 'hunter2SECRET'

describe('least versions', () => {
  let page: HttpReceiver
  let dir: TempDir

  beforeAll(async () => {
    page = await startHttpReceiver()
    dir = await makeTempDir()
  })

  afterAll(async () => {
    await page?.[Symbol.asyncDispose]()
    await dir?.[Symbol.asyncDispose]()
  })

  const tellerOf = (of: readonly unknown[]) => teller(version, { of, timeout: '2s' })

  test('a page, a program and a file that are new enough are fine', async () => {
    const file = join(dir.path, 'VERSION')
    await writeFile(file, 'name: web\nversion: 4.10.0\n')
    page.answer({ status: 200, body: { data: { version: 'V3.9.10' } } })
    const told = await tellerOf([
      { name: 'backend', minimum: '3.9.2', http: { url: page.url, path: 'data.version' } },
      { name: 'node', minimum: '20', command: [process.execPath, '--version'] },
      { name: 'web', minimum: '4.9', file, matches: '^version: (\\S+)' },
    ]).tell()
    expect(told.step('minimum')).toMatchObject({ outcome: 'ok', findings: [] })
    expect(told.step('minimum').notes).toMatchObject([
      { values: ['backend', '3.9.10'] },
      { values: ['node', process.version.slice(1)] },
      { values: ['web', '4.10.0'] },
    ])
  })

  test('versions are compared by their numbers: 7 is older than 10', async () => {
    page.answer({ status: 200, body: { version: { number: '7.17.28' } } })
    const search = { name: 'search', http: { url: page.url, path: 'version.number' } }
    expect((await tellerOf([{ ...search, minimum: '10.0' }]).tell()).summaries('minimum')).toEqual([
      'search is 7.17.28 (at least 10.0 is needed)',
    ])
    page.answer({ status: 200, body: { version: { number: '10.2.0' } } })
    expect((await tellerOf([{ ...search, minimum: '7' }]).tell()).step('minimum').outcome).toBe('ok')
  })

  test('a product that is too old is told with where that was read, and with nothing to resolve', async () => {
    page.answer({ status: 200, body: 'release 3.8.9' })
    const told = await tellerOf([
      { name: 'saas', minimum: '3.9', http: { url: page.url }, advice: 'deploy release 3.9' },
      { name: 'sh', minimum: '99', command: ['sh', '-c', `echo 5.1 # ${marker}`] },
    ]).tell()
    expect(told.step('minimum').findings).toMatchObject([
      { key: 'saas', severity: 'warning', advice: 'deploy release 3.9', evidence: { version: '3.8.9' } },
      { key: 'sh', evidence: { version: '5.1', minimum: '99', source: 'sh' } },
    ])
    expect(told.cures.size).toBe(0)
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test('a version that cannot be read is never taken for fine', async () => {
    const refused = await freePort()
    page.answer({ status: 404, body: '404 not found' })
    const told = await tellerOf([
      { name: 'gone', minimum: '1', http: { url: `http://u:${marker}@127.0.0.1:${refused}/?t=${marker}` } },
      { name: 'lost', minimum: '1', http: { url: page.url } },
      { name: 'absent', minimum: '1', command: ['no-such-program', marker] },
      { name: 'slow', minimum: '1', command: ['sleep', '60'] },
      { name: 'mute', minimum: '1', command: ['true'] },
      { name: 'none', minimum: '1', file: join(dir.path, 'nothing') },
      { name: 'node', minimum: '1', command: [process.execPath, '--version'] },
    ]).tell()
    expect(told.step('minimum').outcome).toBe('unknown')
    expect(told.reason('minimum').split(', ')).toEqual([
      `gone: nothing listens on 127.0.0.1:${refused}`,
      `lost: ${page.url}/ answers with HTTP status 404`,
      'absent: the program no-such-program is not installed on this node',
      'slow: the program sleep did not end within 2 s',
      'mute: there is no version in what it says',
      `none: the file ${join(dir.path, 'nothing')} cannot be read on this node`,
    ])
    expect(JSON.stringify(told.steps)).not.toContain(marker)
  })

  test.each([
    ['it is no JSON', '<html>9.9</html>', 'is no JSON'],
    ['it lacks the field', '{"other": 1}', 'has no version at data.version'],
    ['the field is a list', '{"data": {"version": [1]}}', 'has no version at data.version'],
    ['the field has no number', '{"data": {"version": "latest"}}', 'there is no version in what it says'],
  ])('an answer from which nothing can be told says why: %s', async (_case, body, reason) => {
    page.answer({ status: 200, body })
    const told = await tellerOf([
      { name: 'backend', minimum: '1', http: { url: page.url, path: 'data.version' } },
    ]).tell()
    expect(told.step('minimum').outcome).toBe('unknown')
    expect(told.reason('minimum')).toContain(reason)
  })

  test('each product names exactly one source', () => {
    for (const sources of [{}, { file: '/x', command: ['y'] }]) {
      const parsed = version.options.safeParse({ of: [{ name: 'a', minimum: '1', ...sources }] })
      expect(parsed.error?.issues[0]?.message).toBe('needs exactly one of http, command and file')
    }
  })
})
