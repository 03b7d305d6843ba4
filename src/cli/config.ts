import { showPlan } from '../config/describe.ts'
import { jsonSchema } from '../config/json-schema.ts'
import { count, render, say } from '../core/text.ts'
import type { Context } from './context.ts'
import { builtIn, configFile, loadConfiguration } from './load.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz config check`: every fault at once, or that there is none. */
export async function checkConfig(options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  const stories = count(plan.entries.length, 'story', 'stories')
  const channels = count(plan.channels.length, 'channel')
  const words = say`${configFile(options, context)} is right: ${stories}, ${channels}`
  await context.stdout.write(`${render(words, plan.language)}\n`)
  return 0
}

/** `healthz config show`: the effective configuration as YAML, secrets hidden. */
export async function showConfig(options: RootOptions, context: Context): Promise<number> {
  await context.stdout.write(showPlan(await loadConfiguration(options, context)))
  return 0
}

/** `healthz config schema`: the JSON schema of the configuration, with every built-in story and channel. */
export async function printSchema(context: Context): Promise<number> {
  const { kinds, channelKinds } = builtIn(context.places)
  await context.stdout.write(`${JSON.stringify(await jsonSchema(kinds, channelKinds), null, 2)}\n`)
  return 0
}
