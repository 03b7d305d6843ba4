import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigFaults } from '../../../src/config/fault.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'
import { faultsOf, load, loadFile } from './fixtures.ts'

const sound = 'stories: [{ story: cache, with: { url: redis://h } }]\n'

test('a file that is not there is told without a position', async () => {
  await using dir = await makeTempDir()
  const file = join(dir.path, 'nowhere.yaml')
  const error = await loadFile(file).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ConfigFaults)
  expect(String(error)).toBe(
    `ConfigFaults: ${file}  the configuration file is not there\n1 fault in the configuration`,
  )
})

test('a directory is no file', async () => {
  await using dir = await makeTempDir()
  await mkdir(join(dir.path, 'healthz.yaml'))
  await expect(loadFile(join(dir.path, 'healthz.yaml'))).rejects.toThrow(
    'the configuration file is a directory',
  )
})

test('a file of more than 1 MiB is refused', async () => {
  expect(await faultsOf(sound + '#'.repeat(1024 ** 2))).toEqual([
    ' the configuration file is larger than 1 MiB',
  ])
})

test('a file in another encoding is refused', async () => {
  expect(await faultsOf(Buffer.from(sound, 'utf16le'))).not.toEqual([])
  expect(await faultsOf(Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]))).toEqual([
    ' the configuration file is not UTF-8 text',
  ])
})

test('a byte order mark and CRLF do no harm, and positions stay true', async () => {
  expect((await load(`\ufeff${sound}`)).entries).toHaveLength(1)
  expect(await faultsOf(`\ufeffplatfrom: x\r\n${sound.replace('\n', '\r\n')}`)).toEqual([
    '1:1  unknown key "platfrom"; did you mean "platform"?',
  ])
})

test('a file under the working directory is called by its relative path', async () => {
  await expect(loadFile(join(process.cwd(), 'config/nowhere.yaml'))).rejects.toThrow(
    /^config\/nowhere\.yaml {2}the/,
  )
})

test('without a file the host and the program itself are watched', async () => {
  await expect(loadFile(null)).rejects.toThrow('(built in):2:12  there is no story of the kind "host"')
})

test('secret files are read relative to the configuration, and lose one line end', async () => {
  await using dir = await makeTempDir()
  await writeFile(join(dir.path, 'pass'), 'sesame\n\n')
  const file = join(dir.path, 'healthz.yaml')
  await writeFile(file, 'stories: [{ story: cache, with: { url: redis://h, password: "${file:pass}" } }]')
  const plan = await loadFile(file)
  expect(plan.secrets).toEqual(['sesame\n'])
})
