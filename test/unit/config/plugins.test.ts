import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { storyShape } from '../../../src/config/plugin-shape.ts'
import { pluginsIn } from '../../../src/config/plugins.ts'
import { PluginFault } from '../../../src/core/plugins.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'

const sound = `import { defineStory, type Story, z } from 'healthz'
export default defineStory({
  title: 'Orders',
  options: z.strictObject({ max: z.number().default(3) }),
  steps: { backlog: { title: 'no order waits', check: () => {} } },
}) satisfies Story<{ max: number }>
`

/** A directory with these files in it. */
async function makeFiles(files: Readonly<Record<string, string>>): Promise<TempDir> {
  const dir = await makeTempDir()
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir.path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  return dir
}

/** What the program prints of the configuration in a directory, run in that directory. */
async function printed(dir: TempDir): Promise<string[]> {
  const program = fileURLToPath(new URL('./plugin-program.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'healthz.yaml', 'built-in'], {
    cwd: dir.path,
  })
  return stdout.trimEnd().split('\n')
}

test("stories and channels in a folder are found, in TypeScript, and need no install of 'healthz'", async () => {
  await using dir = await makeFiles({
    'healthz.yaml': `plugins: [plugins, more]
stories: [{ story: orders, with: { max: 5 } }, { story: bigger }, { story: plain }, { story: built }]
channels: { chat: { use: chat } }
`,
    'plugins/orders.ts': sound,
    'plugins/bigger/index.ts': `import { title } from './title.ts'\n${sound.replace("'Orders'", 'title')}`,
    'plugins/bigger/title.ts': "export const title = 'Bigger'\n",
    'plugins/channels/chat.mjs':
      "import { defineChannel, z } from 'healthz'\nexport default defineChannel({ title: 'Chat', options: z.strictObject({}), send: async () => {} })\n",
    'plugins/readme.md': '# not a plugin',
    'plugins/orders.test.ts': 'throw new Error()',
    'plugins/types.d.ts': 'export {}',
    'more/plain.js': sound.replace('type Story, ', '').replace(/ satisfies .*/, ''),
    'built-in/built.mts': sound,
  })
  expect(await printed(dir)).toEqual([
    'orders: Orders {"max":5}',
    'bigger: Bigger {"max":3}',
    'plain: Orders {"max":3}',
    'built: Orders {"max":3}',
    'chat: Chat',
  ])
})

test('files that cannot be used are told all at once, each with what to do', async () => {
  const files: Record<string, string> = {
    'throws.ts': "\nthrow new Error('no password=hunter2 here\\nmore')\n",
    'nothing.ts': 'export const story = 1\n',
    'garbage.ts': 'export default 42\n',
    'halfway.ts': "export default { title: 'x', options: {}, steps: { one: { title: '' } } }\n",
    'channel.ts':
      "import { z } from 'healthz'\nexport default { title: 'x', options: z.strictObject({}), send() {} }\n",
    'enum.ts': 'enum Colour { red }\nexport default Colour\n',
    'syntax.ts': 'export default {\n  title: "a\n}\n',
    'lost.ts': "import x from './nowhere.ts'\nexport default x\n",
    'package.ts': "import x from 'no-such-package'\nexport default x\n",
    'types.ts': "import { Story } from 'healthz'\nexport default {} as Story\n",
  }
  const kinds = Object.keys(files).map((file) => file.slice(0, -3))
  await using dir = await makeFiles({
    'healthz.yaml': `plugins: [./plugins]\nstories: [${kinds.map((story) => `{ story: ${story} }`).join(', ')}, { story: throws, name: x }]\n`,
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`plugins/${name}`, text])),
  })
  const lines = (await printed(dir)).map((line) => line.replace(/ {2,}/, '  '))
  expect(lines).toEqual([
    'plugins/channel.ts  exports no story: missing or wrong is steps; declare it: export default defineStory({ ... })',
    expect.stringMatching(
      /^plugins\/enum\.ts:?\d* {2}uses TypeScript that cannot simply be left out: an enum, a namespace or a parameter property; write it as /,
    ),
    'plugins/garbage.ts  exports no story but a number; declare it: export default defineStory({ ... })',
    'plugins/halfway.ts  exports no story: missing or wrong is options, steps.one.title, steps.one.check; declare it: export default defineStory({ ... })',
    expect.stringMatching(
      /^plugins\/lost\.ts {2}imports something that is not there: .*nowhere\.ts; a file needs its whole name/,
    ),
    'plugins/nothing.ts  has no default export; declare it: export default defineStory({ ... })',
    expect.stringMatching(/^plugins\/package\.ts {2}imports something that is not there: no-such-package; /),
    expect.stringMatching(/^plugins\/syntax\.ts(:2)? {2}has a syntax error: .*; correct the file$/),
    'plugins/throws.ts:2  throws while it is imported: no password=*** here; correct the file; whatever needs a server belongs into open()',
    expect.stringMatching(
      /^plugins\/types\.ts(:1)? {2}imports "Story", which is not there when it runs; import types as types: import \{ type Story \}$/,
    ),
    '10 faults in the configuration',
  ])
})

test('folders that are not there, and kinds that are there twice, are told with their place', async () => {
  await using dir = await makeFiles({
    'healthz.yaml': `plugins:
  - nowhere
  - healthz.yaml
  - one
  - two
  - ./one/
stories: [{ story: a }, { story: twin }, { story: unknown }]
`,
    'built-in/a.ts': sound,
    'one/a.ts': sound,
    'one/b.ts': sound,
    'one/twin.ts': sound,
    'one/twin/index.js': sound,
    'two/b.js': sound,
  })
  const lines = (await printed(dir)).map((line) => line.replace(/ {2,}/, '  '))
  expect(lines).toEqual([
    'healthz.yaml:2:5  there is no such folder; it is relative to this file',
    'healthz.yaml:3:5  this is a file; the folder it is in is wanted',
    'healthz.yaml:4:5  there is another story "a" beside the one in this folder; rename its file',
    'healthz.yaml:5:5  there is another story "b" beside the one in this folder; rename its file',
    'healthz.yaml:6:5  this folder stands here twice',
    'healthz.yaml:7:51  there is no story of the kind "unknown"; known here: a, b, twin',
    'one/twin.ts  one/twin/index.js and one/twin.ts are one kind; remove or rename one of them',
    '7 faults in the configuration',
  ])
})

test('a file that never finishes importing is given up', async () => {
  await using dir = await makeFiles({ 'stuck.mjs': 'await new Promise(() => {})\nexport default 1\n' })
  const stories = pluginsIn(dir.path, storyShape, { deadline: 50 })
  await expect(stories.load('stuck')).rejects.toMatchObject({
    name: 'PluginFault',
    file: join(dir.path, 'stuck.mjs'),
    reason: { template: 'not imported within {0}' },
  })
})

test('files are imported only when they are loaded', async () => {
  await using dir = await makeFiles({
    'broken.mjs': 'throw new Error("no")\n',
    'fine/index.mjs': 'export default {}',
  })
  await symlink(join(dir.path, 'fine'), join(dir.path, 'linked'))
  await mkdir(join(dir.path, 'empty'))
  const stories = pluginsIn(dir.path, storyShape)
  expect(await stories.names()).toEqual(['broken', 'fine', 'linked'])
  await expect(stories.load('broken')).rejects.toBeInstanceOf(PluginFault)
})

test('a folder that is not there has no plugins', async () => {
  expect(await pluginsIn('/nowhere', storyShape).names()).toEqual([])
})
