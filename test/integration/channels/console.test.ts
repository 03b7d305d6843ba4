import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { aDigest } from '../../support/alarms.ts'

const program = `
  import console from '${new URL('../../../channels/console.ts', import.meta.url)}'
  const digest = JSON.parse(process.argv[1])
  await console.send({ options: { to: process.argv[2] }, digest, signal: new AbortController().signal })
`

const print = (to: string) => {
  const node = [
    '--conditions=healthz-source',
    '--input-type=module',
    '-e',
    program,
    JSON.stringify(aDigest()),
    to,
  ]
  return promisify(execFile)(process.execPath, node, { env: { PATH: process.env['PATH'] } })
}

test('a digest goes to stdout without colours where that is no terminal', async () => {
  const { subject, text } = aDigest()
  expect(await print('stdout')).toEqual({ stdout: `${subject}\n\n${text}\n\n`, stderr: '' })
})

test('a digest goes to stderr where that was asked for', async () => {
  const { subject, text } = aDigest()
  expect(await print('stderr')).toEqual({ stdout: '', stderr: `${subject}\n\n${text}\n\n` })
})
