import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import type { Context, Output, Places } from './cli/context.ts'
import { languageOf } from './cli/language.ts'
import { runCommand } from './cli/program.ts'
import { kindOf } from './core/failure.ts'

const root = new AbortController()
const hangups = new Set<() => void>()

/** The first signal asks for an orderly end, the second ends at once. */
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (name === 'SIGHUP' && hangups.size > 0) {
      for (const act of hangups) act()
      return
    }
    if (root.signal.aborted) process.exit(exitCodes[name])
    root.abort(name)
  })
}

/**
 * An error that a story or a library of it left behind, outside of anything that could catch it. A connection that
 * fails late is no reason to stop watching; anything else leaves this process in doubt, and whoever started it starts
 * it anew. Nothing of its message is printed: it may hold a password.
 */
process.on('unhandledRejection', tellStray)
process.on('uncaughtException', (error) => {
  tellStray(error)
  if (kindOf(error) === null) process.exit(70)
})

function tellStray(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error
  const place = error instanceof Error ? error.stack?.match(/^\s+at .*$/m)?.[0].trim() : undefined
  process.stderr.write(
    `healthz: a story left an error behind: ${name} ${kindOf(error) ?? ''} ${place ?? ''}\n`,
  )
}

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

const places = placesAround(import.meta.url)
const context: Context = {
  env: process.env,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  signal: root.signal,
  onHangup(act) {
    hangups.add(act)
    return { [Symbol.dispose]: () => hangups.delete(act) }
  },
  places,
  version: packageJson.version,
  language: await languageOf(process.env, places.locales),
}

process.exit(await runCommand(process.argv.slice(2), context))

/** The parts of this installation: beside the sources, or beside the bundle. */
function placesAround(main: string): Places {
  const isBuilt = existsSync(new URL('./stories', main))
  const at = (path: string) => fileURLToPath(new URL(path, main))
  return {
    stories: at(isBuilt ? './stories' : '../stories'),
    channels: at(isBuilt ? './channels' : '../channels'),
    locales: at('../locales'),
    config: at('../config/healthz.yaml'),
    exampleStory: at('../config/examples/story'),
    index: new URL(isBuilt ? './index.js' : './index.ts', main).href,
    testing: new URL(isBuilt ? './testing.js' : './testing.ts', main).href,
  }
}

function outputOf(stream: NodeJS.WriteStream): Output {
  // Whoever reads may go away (`| head`): then there is nobody to write to.
  stream.on('error', () => {})
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 100
    },
    get rows() {
      return stream.rows ?? 24
    },
    colour: stream.isTTY === true && stream.hasColors(),
    write: (text) => new Promise((resolve) => stream.write(text, () => resolve())),
  }
}
