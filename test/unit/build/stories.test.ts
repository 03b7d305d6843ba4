import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { storyPage } from '../../../build/story-page.ts'
import { factsOf } from '../../../src/cli/report/story-facts.ts'
import { defineStory, z } from '../../../src/index.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'

const root = join(import.meta.dirname, '../../..')
const program = join(root, 'build/stories.ts')

const run = (cwd: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['--conditions=healthz-source', program, ...args], { cwd })

const story = (title: string) => `import { z } from '${join(root, 'node_modules/zod/index.js')}'
export default {
  title: '${title}',
  options: z.strictObject({ most: z.number().default(3) }),
  steps: { waiting: { title: 'little waits', check: () => {} } },
}
`

test('a page that is not what the code says fails the check, and so does one too few or too many', async () => {
  await using dir = await makeTempDir()
  const page = join(dir.path, 'docs/stories/belt.md')
  const fails = (words: string) =>
    expect(run(dir.path, '--check')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(words),
    })
  await mkdir(join(dir.path, 'stories'))
  await writeFile(join(dir.path, 'stories/belt.ts'), story('Belt'))
  await fails('docs/stories/belt.md is stale')
  await run(dir.path)
  expect((await run(dir.path, '--check')).stderr).toBe('')
  expect(await readFile(join(dir.path, 'docs/stories/README.md'), 'utf8')).toContain('[`belt`](belt.md)')

  await writeFile(page, (await readFile(page, 'utf8')).replace('`3`', '`4`'))
  await fails('docs/stories/belt.md is stale')
  await run(dir.path)
  await writeFile(join(dir.path, 'stories/belt.ts'), story('Conveyor'))
  await fails('docs/stories/README.md is stale')

  await writeFile(join(dir.path, 'stories/other.ts'), story('Other'))
  await run(dir.path)
  await writeFile(join(dir.path, 'docs/stories/notes.md'), 'written by hand')
  await rm(join(dir.path, 'stories/other.ts'))
  await fails('docs/stories/other.md is about a story that is gone')
  await run(dir.path)
  expect((await readdir(join(dir.path, 'docs/stories'))).toSorted()).toEqual([
    'README.md',
    'belt.md',
    'notes.md',
  ])
})

test('a page tells example, options, steps with limits and cures, and rights; no word breaks it', () => {
  const belt = defineStory({
    title: 'Belt <b>',
    options: z.strictObject({ most: z.number().meta({ description: 'a | b' }).default(3), name: z.string() }),
    guide: { example: '- story: belt', rights: 'grant `x`\n```\nmore' },
    steps: {
      waiting: {
        title: 'no *file* waits',
        on: false,
        limits: z.strictObject({ pct: z.number().default(9) }),
        cures: [{ title: 'kick it', consent: 'ask' }],
        check: () => {},
      },
    },
  })
  expect(storyPage(factsOf('belt', belt)).split('\n').slice(2).join('\n')).toBe(`# \`belt\`: Belt \\<b\\>

In a cluster, one node tells it for the platform. The same in a terminal: \`healthz stories belt\`. [All stories](README.md).

## Example

\`\`\`yaml
- story: belt
\`\`\`

## Options

What an entry sets under \`with:\`.

| option | value  | default  | what it sets |
| ------ | ------ | -------- | --- |
| \`most\` | number | \`3\`      | a \\| b |
| \`name\` | string | required |  |

## Steps

Each asks one question. An entry sets them under \`steps:\`: \`on\`, \`off\`, or limits and [what every step understands](../configuration.md#steps).

| step      | asked                  | when all is well  | limits   | cures |
| --------- | ---------------------- | ----------------- | -------- | --- |
| \`waiting\` | off unless it is named | no \\*file\\* waits | \`pct: 9\` | kick it: waits for a person's consent |

## Limits

| step      | limit | value  | default | what it sets |
| --------- | ----- | ------ | ------- | --- |
| \`waiting\` | \`pct\` | number | \`9\`     |  |

## Least rights

\`\`\`\`
grant \`x\`
\`\`\`
more
\`\`\`\`
`)
})
