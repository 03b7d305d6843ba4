import { dirname, relative, resolve } from 'node:path'
import { ConfigFaults, printFaults } from '../config/fault.ts'
import { firstPluginFolder } from '../config/first-plugin-folder.ts'
import { CommandFault, type Context } from './context.ts'
import { configFile } from './load.ts'
import type { RootOptions } from './root-options.ts'

/** Where a person keeps stories of their own. */
export interface StoryFolder {
  /** Absolute. It need not be there yet. */
  readonly folder: string
  /** What `plugins` of the configuration should name; null: it does. */
  readonly missing: string | null
}

/** The first folder in `plugins` of the configuration; where there is none, `stories` of the working directory. */
export async function storyFolder(options: RootOptions, context: Context): Promise<StoryFolder> {
  const { env, places, language } = context
  const file = configFile(options, context)
  try {
    const configured = await firstPluginFolder(file, env)
    if (configured !== null) return { folder: configured, missing: null }
  } catch (error) {
    if (error instanceof ConfigFaults) throw new CommandFault(printFaults(error.faults, language))
    throw error
  }
  const folder = resolve('stories')
  // Who has no configuration yet writes it here.
  const from = relative(file === places.config ? '' : dirname(resolve(file)), folder)
  return { folder, missing: from.startsWith('..') ? folder : `./${from}` }
}
