import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { channelShape, storyShape } from '../../../src/config/plugin-shape.ts'
import { pluginsIn } from '../../../src/config/plugins.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { loadFile } from './fixtures.ts'

const root = join(import.meta.dirname, '../../..')
const real = {
  kinds: pluginsIn(join(root, 'stories'), storyShape),
  channelKinds: pluginsIn(join(root, 'channels'), channelShape),
}
const env = {
  REDIS_URL: 'redis://:pw@cache',
  RABBITMQ_PASSWORD: 'pw',
  SMTP_URL: 'smtps://healthz:pw@mx.example.com',
  ON_CALL_URL: 'https://on-call.example.com/hook',
}

test('the configuration that comes along runs as it stands', async () => {
  const plan = await loadFile(join(root, 'config/healthz.yaml'), real)
  expect(plan.entries.map(({ name }) => name)).toEqual(['host', 'process'])
  expect(plan.channels.map(({ name }) => name)).toEqual(['console'])
})

test('without a configuration the same is watched', async () => {
  const plan = await loadFile(null, real)
  expect(plan.entries.map(({ name }) => name)).toEqual(['host', 'process'])
})

test.each(globSync('config/examples/*.yaml', { cwd: root }))('%s is right', async (name) => {
  await using dir = await makeTempDir()
  const text = await readFile(join(root, name), 'utf8')
  const secrets = [...text.matchAll(/\$\{file:\/run\/secrets\/([\w-]+)\}/g)].map(([, secret = '']) => secret)
  for (const secret of secrets) await writeFile(join(dir.path, secret), `secret of ${secret}\n`)
  const file = join(dir.path, 'healthz.yaml')
  await writeFile(file, text.replaceAll('/run/secrets/', `${dir.path}/`))
  const plan = await loadFile(file, { ...real, env })
  expect(plan.entries.length).toBeGreaterThan(0)
  expect(plan.secrets).toEqual(expect.arrayContaining(secrets.map((secret) => `secret of ${secret}`)))
})
