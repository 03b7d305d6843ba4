import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { storyShape } from '../config/plugin-shape.ts'
import { pluginsIn } from '../config/plugins.ts'
import { render, say, type Text } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import { builtIn } from './load.ts'
import type { RootOptions } from './root-options.ts'
import { type StoryFolder, storyFolder } from './story-folder.ts'

/** `healthz new story`: writes a story that works, and its test, for somebody to make it their own. */
export async function newStory(name: string, options: RootOptions, context: Context): Promise<number> {
  const { language, stdout } = context
  const tell = (text: Text) => render(text, language)
  if (!isName(name)) throw new CommandFault(tell(badName(name)))
  const place = await storyFolder(options, context)
  const taken = await takenBy(name, place.folder, context)
  if (taken !== null) throw new CommandFault(tell(taken))
  const own = join(place.folder, name)
  try {
    for (const file of await write(name, own, context))
      await stdout.write(`${tell(say`wrote ${labelOf(file)}`)}\n`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CommandFault(tell(say`healthz: cannot write ${labelOf(own)}: ${code}`), { cause: error })
  }
  await stdout.write(`\n${tell(say`its test: ${`healthz test ${labelOf(own)}`}`)}\n`)
  await stdout.write(`${tell(say`in the configuration, it is told by:`)}\n\n${linesFor(name, place)}`)
  return 0
}

/** Of a file and of a kind, and one word in YAML. `channels` is the folder that channels are in. */
function isName(name: string): boolean {
  return /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length < 64 && name !== 'channels'
}

const badName = (name: string) =>
  say`healthz: "${name}" cannot be the name of a story; take small letters and digits, in words that a hyphen parts`

/** Why the name cannot be had; null where it can. */
async function takenBy(name: string, folder: string, { places }: Context): Promise<Text | null> {
  if ((await builtIn(places).kinds.names()).includes(name))
    return say`healthz: there is a built-in story "${name}"; take another name`
  if ((await pluginsIn(folder, storyShape).names()).includes(name))
    return say`healthz: there is a story "${name}" in ${labelOf(folder)}; take another name`
  return null
}

/** Writes the example that comes with the package, under its new name; never over a file. Returns the files. */
async function write(name: string, folder: string, { places }: Context): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const files = { 'index.ts': 'index.ts', 'test.ts': 'index.test.ts' }
  const written: string[] = []
  for (const [from, to] of Object.entries(files)) {
    const text = await readFile(join(places.exampleStory, from), 'utf8')
    await writeFile(join(folder, to), renamed(text, name), { flag: 'wx' })
    written.push(join(folder, to))
  }
  return written
}

function renamed(text: string, name: string): string {
  const title = name.replaceAll('-', ' ').replace(/^./, (first) => first.toUpperCase())
  return text.replaceAll('Inbox', title).replaceAll('inbox', name)
}

function linesFor(name: string, { missing }: StoryFolder): string {
  const lines = [
    ...(missing === null ? [] : [`plugins: [${missing}]`]),
    'stories:',
    `  - story: ${name}`,
    '    every: 1m',
    `    with: { directory: ./${name}, maxAge: 5m }`,
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}

/** The path as somebody here would write it. */
function labelOf(path: string): string {
  const label = relative('', path)
  return label.startsWith('..') || label === '' ? path : label
}
