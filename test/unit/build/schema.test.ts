import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeTempDir } from '../../support/servers/temp-dir.ts'

const program = fileURLToPath(new URL('../../../build/schema.ts', import.meta.url))

const run = (cwd: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['--conditions=healthz-source', program, ...args], { cwd })

test('a schema that is not what the sources say fails the check', async () => {
  await using dir = await makeTempDir()
  const file = join(dir.path, 'config/healthz.schema.json')
  await mkdir(join(dir.path, 'config'))
  await expect(run(dir.path, '--check')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('stale'),
  })
  await run(dir.path)
  await expect(run(dir.path, '--check')).resolves.toMatchObject({ stderr: '' })
  await writeFile(file, (await readFile(file, 'utf8')).replace('interval', 'intervall'))
  await expect(run(dir.path, '--check')).rejects.toMatchObject({ code: 1 })
})
