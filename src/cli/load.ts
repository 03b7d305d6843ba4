import { existsSync } from 'node:fs'
import { ConfigFaults, printFaults } from '../config/fault.ts'
import { type LoadRequest, loadKinds, loadPlan } from '../config/load.ts'
import type { AllPlugins } from '../config/plugin-folders.ts'
import { channelShape, storyShape } from '../config/plugin-shape.ts'
import { pluginsIn } from '../config/plugins.ts'
import { nearest } from '../core/nearest.ts'
import type { Entry, Plan } from '../core/plan.ts'
import { render, say } from '../core/text.ts'
import { CommandFault, type Context, type Places } from './context.ts'
import { loadLanguage } from './language.ts'
import type { RootOptions } from './root-options.ts'

/** Where a configuration is looked for when none is named, in this order. */
const usualFiles = ['healthz.yaml', 'config/healthz.yaml', '/etc/healthz/healthz.yaml']

/** The file to read: the one named, a usual one, or the one that comes with the package. */
export function configFile({ config }: Pick<RootOptions, 'config'>, { env, places }: Context): string {
  return config ?? env['HEALTHZ_CONFIG'] ?? usualFiles.find((file) => existsSync(file)) ?? places.config
}

/** Reads and checks the configuration. Its faults are printed whole, and end the command with exit code 2. */
export async function loadConfiguration(options: RootOptions, context: Context): Promise<Plan> {
  try {
    return await loadPlan(requestOf(options, context))
  } catch (error) {
    if (error instanceof ConfigFaults)
      throw new CommandFault(printFaults(error.faults, error.language ?? context.language))
    throw error
  }
}

/** The kinds that the configuration can name, its `plugins` among them. It need not be right otherwise. */
export async function loadAllKinds(options: RootOptions, context: Context): Promise<AllPlugins> {
  try {
    return await loadKinds(requestOf(options, context))
  } catch (error) {
    if (error instanceof ConfigFaults)
      throw new CommandFault(printFaults(error.faults, error.language ?? context.language))
    throw error
  }
}

function requestOf(options: RootOptions, context: Context): LoadRequest {
  const { env, places } = context
  return {
    file: configFile(options, context),
    env,
    ...builtIn(places),
    index: places.index,
    language: (code) => loadLanguage(code, places.locales),
    overrides: options.interval === undefined ? {} : { interval: options.interval * 1000 },
  }
}

/** The kinds of stories and channels that come with the package. */
export function builtIn({ stories, channels }: Places) {
  return { kinds: pluginsIn(stories, storyShape), channelKinds: pluginsIn(channels, channelShape) }
}

/** The entries that `--only` and `--tag` ask for. */
export async function chosenEntries(plan: Plan, { only, tag }: RootOptions): Promise<readonly Entry[]> {
  const tell = (text: Parameters<typeof render>[0]) => render(text, plan.language)
  const names = plan.entries.map(({ name }) => name)
  for (const wanted of only ?? []) {
    if (names.includes(wanted)) continue
    const near = await nearest(wanted, names)
    throw new CommandFault(
      near === null
        ? tell(say`healthz: there is no entry "${wanted}"; there is: ${names}`)
        : tell(say`healthz: there is no entry "${wanted}"; did you mean "${near}"?`),
    )
  }
  const tags = [...new Set(plan.entries.flatMap((entry) => entry.tags))]
  for (const wanted of tag ?? []) {
    if (tags.includes(wanted)) continue
    throw new CommandFault(
      tags.length === 0
        ? tell(say`healthz: no entry has the tag "${wanted}", nor any other`)
        : tell(say`healthz: no entry has the tag "${wanted}"; there is: ${tags}`),
    )
  }
  return plan.entries.filter((entry) => {
    return (
      (only === undefined || only.includes(entry.name)) &&
      (tag === undefined || tag.some((one) => entry.tags.includes(one)))
    )
  })
}
