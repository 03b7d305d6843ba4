import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { layerRules } from '../../../build/layer-rules.ts'
import { checkLayers } from '../../../build/layers.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'

/** A tree that keeps every rule, with an import of every kind that is allowed. */
const sound: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "healthz", "exports": { ".": { "healthz-source": "./src/index.ts" } } }',
  'node_modules/library/index.js': 'export const library = 1',
  'node_modules/library/package.json': '{ "name": "library", "main": "index.js", "type": "module" }',
  'src/main.ts': "import './cli/run.ts'",
  'src/cli/run.ts': "import '../app.ts'\nimport '../config/plan.ts'",
  'src/app.ts': "import './engine/round.ts'\nimport './store/open.ts'\nimport './clients/tcp.ts'",
  'src/index.ts': "export { tcp } from './clients/tcp.ts'\nexport type { Text } from './core/text.ts'",
  'src/testing.ts': "export { teller } from './testing/teller.ts'",
  'src/testing/teller.ts': "import '../engine/round.ts'\nexport const teller = 1",
  'src/engine/round.ts': "import '../core/judge.ts'\nimport './step.ts'\nimport 'node:fs'",
  'src/engine/step.ts': 'export {}',
  'src/store/open.ts': "import 'node:sqlite'",
  'src/config/plan.ts': "import 'library'",
  'src/http/serve.ts': "import '../core/judge.ts'",
  'src/cluster/ring.ts': "import '../core/judge.ts'",
  'src/clients/tcp.ts': "import '../core/judge.ts'\nexport const tcp = 1",
  'src/core/judge.ts': "import type { Text } from './text.ts'\nimport 'node:crypto'\nexport type T = Text",
  'src/core/text.ts': 'export type Text = string',
  'stories/redis.ts': "import 'healthz'\nimport 'library'\nimport 'node:net'",
  'stories/mysql/index.ts': "import 'healthz'\nimport './steps.ts'",
  'stories/mysql/steps.ts': "import type { Text } from 'healthz'\nexport type T = Text",
  'channels/mail.ts': "import 'healthz'",
}

/** Each breaks one rule in a file that the sound tree does not have. */
const violations: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['no-cycle', 'src/core/a.ts', "import './b.ts'"],
  ['resolvable', 'src/core/a.ts', "import './nowhere.ts'"],
  ['core', 'src/core/a.ts', "import type { X } from '../engine/step.ts'"],
  ['core-is-pure', 'src/core/a.ts', "import { readFileSync } from 'node:fs'"],
  ['clients', 'src/clients/a.ts', "import '../store/open.ts'"],
  ['parts', 'src/store/a.ts', "import '../config/plan.ts'"],
  ['parts', 'src/store/a.ts', "import '../engine/step.ts'"],
  ['parts', 'src/config/a.ts', "const late = () => import('../http/serve.ts')"],
  ['parts', 'src/http/a.ts', "import '../cluster/ring.ts'"],
  ['parts', 'src/cluster/a.ts', "export * from '../store/open.ts'"],
  ['parts', 'src/engine/a.ts', "import '../clients/tcp.ts'"],
  ['parts', 'src/engine/a.ts', "import '../app.ts'"],
  ['testing', 'src/testing/a.ts', "import '../config/plan.ts'"],
  ['app', 'src/app/a.ts', "import '../cli/run.ts'"],
  ['cli', 'src/cli/a.ts', "import '../main.ts'"],
  ['known-floor', 'src/extra/a.ts', "import 'node:fs'"],
  ['plugin-file', 'stories/a.ts', "import './redis.ts'"],
  ['plugin-file', 'channels/a.ts', "import '../src/core/text.ts'"],
  ['plugin-folder', 'stories/a/index.ts', "import '../mysql/steps.ts'"],
  ['plugin-folder', 'stories/mysql/a.ts', "import '../../src/clients/tcp.ts'"],
  ['plugin-by-name', 'stories/a.ts', "import '../src/index.ts'"],
  ['core', 'src/core/a.ts', 'await using held = open(() => import("../engine/step.ts"))'],
]

/** A file cannot break these twice, so one of the sound files does. */
const rewritten: typeof violations = [
  ['index', 'src/index.ts', "import './engine/step.ts'"],
  ['main', 'src/main.ts', "import '../stories/redis.ts'"],
]

test.each([...violations, ...rewritten])('%s: %s must not say: %s', async (rule, file, text) => {
  const otherHalf = rule === 'no-cycle' ? { 'src/core/b.ts': "import './a.ts'" } : {}
  const { faults } = await check({ ...sound, [file]: text, ...otherHalf })
  expect(faults.map((fault) => fault.slice(0, fault.indexOf(':')))).toContain(rule)
  expect(faults.join('\n')).toContain(file)
})

test('each rule is proved to fire', () => {
  const proved = new Set([...violations, ...rewritten].map(([rule]) => rule))
  expect(layerRules.map(({ name }) => name).filter((name) => !proved.has(name ?? ''))).toEqual([])
})

test('a sound tree is passed, with all of its files read', async () => {
  const { files, imports, faults } = await check(sound)
  expect(faults).toEqual([])
  expect(files).toBe(Object.keys(sound).filter((file) => file.endsWith('.ts')).length)
  expect(imports).toBeGreaterThan(20)
})

test('a tree without files is not passed', async () => {
  expect((await check({ 'package.json': '{}' })).faults).not.toEqual([])
})

test('the files of the project itself are read', async () => {
  const { files, imports } = await checkLayers(join(import.meta.dirname, '../../..'))
  expect(files).toBeGreaterThan(50)
  expect(imports).toBeGreaterThan(200)
})

async function check(tree: Readonly<Record<string, string>>) {
  await using root = await makeTempDir()
  for (const [file, text] of Object.entries(tree)) {
    await mkdir(dirname(join(root.path, file)), { recursive: true })
    await writeFile(join(root.path, file), text)
  }
  return await checkLayers(root.path)
}
