import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { factsOf } from '../src/cli/report/story-facts.ts'
import { storyShape } from '../src/config/plugin-shape.ts'
import { pluginsIn } from '../src/config/plugins.ts'
import { mark, storyIndex, storyPage } from './story-page.ts'

/** Writes a page about each built-in story, and one that leads to them. With `--check` it only says which are stale. */
async function main(root: string, isCheck: boolean): Promise<void> {
  const folder = join(root, 'docs/stories')
  const pages = await pagesOf(root)
  const found = pagesIn(folder)
  const stale = [...pages].filter(([file, page]) => found.get(file) !== page).map(([file]) => file)
  const astray = [...found].flatMap(([file, page]) =>
    page.startsWith(mark) && !pages.has(file) ? [file] : [],
  )
  if (!isCheck) {
    mkdirSync(folder, { recursive: true })
    for (const [file, page] of pages) writeFileSync(join(folder, file), page)
    for (const file of astray) rmSync(join(folder, file))
    return console.log(`${pages.size} pages in docs/stories, ${stale.length} of them new or changed`)
  }
  for (const file of stale) console.error(`docs/stories/${file} is stale; write it anew: npm run docs`)
  for (const file of astray)
    console.error(`docs/stories/${file} is about a story that is gone; npm run docs takes it away`)
  if (stale.length + astray.length > 0) process.exitCode = 1
  else console.log(`${pages.size} pages in docs/stories are up to date`)
}

/** The pages by file name. */
async function pagesOf(root: string): Promise<ReadonlyMap<string, string>> {
  const kinds = pluginsIn(join(root, 'stories'), storyShape)
  const names = await kinds.names()
  const stories = await Promise.all(names.map(async (kind) => factsOf(kind, await kinds.load(kind))))
  const pages = stories.map((facts) => [`${facts.kind}.md`, storyPage(facts)] as const)
  return new Map([['README.md', storyIndex(stories)], ...pages])
}

/** Those that were written before; none where the folder is not there yet. */
function pagesIn(folder: string): ReadonlyMap<string, string> {
  try {
    const files = readdirSync(folder).filter((file) => file.endsWith('.md'))
    return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw error
  }
}

if (import.meta.main) await main(process.cwd(), process.argv.includes('--check'))
