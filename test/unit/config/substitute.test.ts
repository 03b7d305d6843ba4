import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secret } from 'healthz'
import { expect, test } from 'vitest'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { entry, faultsOf, load } from './fixtures.ts'

async function optionsOf(line: string, env: Record<string, string> = {}) {
  const plan = await load(entry('with:', '  url: redis://h', `  ${line}`), { env })
  return plan.entries[0]?.options as Record<string, unknown>
}

test('a variable takes its place in a text', async () => {
  expect(await optionsOf('note: "a ${X} b ${Y}"', { X: '1', Y: '2' })).toMatchObject({ note: 'a 1 b 2' })
})

test.each([
  ['not set', {}],
  ['empty', { X: '' }],
])('the default holds where the variable is %s', async (_how, env) => {
  expect(await optionsOf('note: "${X:-a:b}"', env)).toMatchObject({ note: 'a:b' })
})

test('an empty variable without a default is an empty text', async () => {
  expect(await optionsOf('note: "${X}"', { X: '' })).toMatchObject({ note: '' })
})

test('$${ stands for ${', async () => {
  expect(await optionsOf('note: "$${X} costs $5 and $$"')).toMatchObject({ note: '${X} costs $5 and $$' })
})

test('a variable cannot bring structure, nor placeholders, into the file', async () => {
  const X = 'a: [1]\nb: ${Y} {host}'
  expect(await optionsOf('note: ${X}', { X })).toMatchObject({ note: X })
})

test('numbers and true or false may come from the environment as a whole value', async () => {
  const options = await optionsOf('db: "${DB}"\n      tls: ${TLS}\n      note: ${DB}', {
    DB: '7',
    TLS: 'true',
  })
  expect(options).toMatchObject({ db: 7, tls: true, note: '7' })
})

test('a text that only looks like a number is no number', async () => {
  expect(await faultsOf(entry('with: { url: redis://h, db: "7" }'))).toEqual([
    '3:33  "db" must be a number, not a text',
  ])
  expect(await faultsOf(entry('with: { url: redis://h, db: "${DB}" }'), { env: { DB: '0x7' } })).toEqual([
    '3:33  "db" must be a number, not a text',
  ])
  expect(await faultsOf(entry('with: { url: redis://h, db: "1${DB}" }'), { env: { DB: '1' } })).toEqual([
    '3:33  "db" must be a number, not a text',
  ])
})

test('a number from the environment meets the limits of the option', async () => {
  expect(await faultsOf(entry('with: { url: redis://h, db: "${DB}" }'), { env: { DB: '99' } })).toEqual([
    '3:33  "db" must be at most 15',
  ])
})

test('numbers from the environment work in unions and at the top', async () => {
  const text = `${entry('with: { url: redis://h }')}limits: { blastRadius: "\${SHARE}", cures: "\${CURES}" }\n`
  const plan = await load(text, { env: { SHARE: '0.5', CURES: '4' } })
  expect(plan.limits).toMatchObject({ blastRadius: 0.5, cures: 4 })
})

test('undefined variables are told at the placeholder itself, all of them, and nothing else of their value', async () => {
  const text = entry('with:', '  url: "redis://${USR}:${PASS}@h"', '  db: ${DB}', '  mode: >-', '    ${MODE}')
  expect(await faultsOf(text, { env: { USER: 'x' } })).toEqual([
    '4:21  the environment variable USR is not set; did you mean "USER"?',
    '4:28  the environment variable PASS is not set; set it, or give a default: ${PASS:-default}',
    '5:11  the environment variable DB is not set; set it, or give a default: ${DB:-default}',
    '7:9  the environment variable MODE is not set; set it, or give a default: ${MODE:-default}',
  ])
})

test.each([
  ['${', 'a placeholder is not closed by }'],
  ['${}', 'a placeholder is ${NAME}, ${NAME:-default} or ${file:/path}'],
  ['${a b}', 'a placeholder is ${NAME}, ${NAME:-default} or ${file:/path}'],
  ['${A-b}', 'a placeholder is ${NAME}, ${NAME:-default} or ${file:/path}'],
  ['${A:-${B}}', 'a placeholder cannot stand in another'],
])('%s is no placeholder', async (written, fault) => {
  expect(await faultsOf(entry('with: { url: redis://h, note: "x', `        ${written}" }`))).toEqual([
    `4:13  ${fault}; write "$\${" where no placeholder is meant`,
  ])
})

test('files that cannot be read are told with their place', async () => {
  await using dir = await makeTempDir()
  const large = join(dir.path, 'large')
  await writeFile(large, 'x'.repeat(65_537))
  const text = entry(
    'with:',
    '  url: redis://h',
    `  password: "\${file:${dir.path}}"`,
    '  note: ${file:/nowhere/x}${file:large}',
    `  mode: \${file:${large}}`,
  )
  expect(await faultsOf(text)).toEqual([
    `5:18  the file ${dir.path} is a directory`,
    '6:13  the file /nowhere/x is not there',
    '6:31  the file large is not there',
    `7:13  the file ${large} is larger than 64 KiB`,
  ])
})

test('secrets are whatever an option says is secret, whatever a file holds, and the variables in them', async () => {
  await using dir = await makeTempDir()
  await writeFile(join(dir.path, 'note'), 'from-file')
  const text = entry(
    'with:',
    '  url: redis://u:in-url@h:${PORT}',
    '  password: "pre-${PASS}"',
    `  note: \${file:${dir.path}/note}`,
  )
  const plan = await load(text, { env: { PASS: 'sesame', PORT: '6379' } })
  expect([...plan.secrets].sort()).toEqual(['from-file', 'in-url', 'pre-sesame', 'sesame'])
  const options = plan.entries[0]?.options as { password: Secret }
  expect(options.password.reveal()).toBe('pre-sesame')
})

test('keys and names are not read as placeholders', async () => {
  expect(await faultsOf(entry('with: { url: redis://h, "${X}": 1 }'))).toEqual([
    '3:29  unknown key "${X}"; known here: url, password, timeout, db, tls, mode, replica, note',
  ])
})
