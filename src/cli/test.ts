import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { render, say } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import type { RootOptions } from './root-options.ts'
import { storyFolder } from './story-folder.ts'

/**
 * `healthz test`: runs the tests of one's own stories with Node's test runner. 'healthz' and 'healthz/testing' lead to
 * this installation, as they do when the stories are told, so that nothing has to be installed beside them.
 */
export async function test(
  paths: readonly string[],
  options: RootOptions,
  context: Context,
): Promise<number> {
  const { language, signal, places } = context
  const wanted = paths.length > 0 ? paths : [(await storyFolder(options, context)).folder]
  const files = [...new Set(wanted.flatMap(testsIn))]
  if (files.length === 0)
    throw new CommandFault(render(say`healthz: there is no test in ${wanted}`, language))
  const links = { healthz: places.index, 'healthz/testing': places.testing }
  const args = [...quiet, '--import', linking(links), '--test', ...files]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const stop = () => child.kill()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return (await ended(child)) ?? 1
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** What Node says about TypeScript, and about a folder without a package.json, is nothing to act on here. */
const quiet = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'].map(
  (warning) => `--disable-warning=${warning}`,
)

/** The file itself, or the tests in a folder and below. */
function testsIn(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (!found.isDirectory()) return [path]
  return globSync('**/*.test.{ts,mts,js,mjs}', { cwd: path, exclude: (name) => name === 'node_modules' })
    .sort()
    .map((file) => join(path, file))
}

/** A module that makes these names lead to these URLs, for whatever is imported after it. */
function linking(links: Readonly<Record<string, string>>): string {
  const program = `import { registerHooks } from 'node:module'
const links = ${JSON.stringify(links)}
registerHooks({ resolve: (name, context, next) => next(Object.hasOwn(links, name) ? links[name] : name, context) })`
  return `data:text/javascript,${encodeURIComponent(program)}`
}

/** The exit code; null where a signal ended it. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
}
