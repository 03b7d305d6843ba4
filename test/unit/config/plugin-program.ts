import { argv, stdout } from 'node:process'
import { ConfigFaults, printFaults } from '../../../src/config/fault.ts'
import { loadPlan } from '../../../src/config/load.ts'
import { channelShape, storyShape } from '../../../src/config/plugin-shape.ts'
import { pluginsIn } from '../../../src/config/plugins.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { english } from '../../../src/core/text.ts'

/**
 * Loads a configuration as the program does, in a process of its own: a test runner imports files in its own way.
 * Arguments: the configuration, the folder of built-in stories. Prints its entries and channels, or its faults.
 */
const [, , file = '', builtIn = '', language = 'en'] = argv
try {
  const plan = await loadPlan({
    file,
    env: {},
    kinds: pluginsIn(builtIn, storyShape),
    channelKinds: pluginsIn(`${builtIn}/channels`, channelShape),
    language: async (code) => ({ code, texts: {} }),
    index: new URL('../../../src/index.ts', import.meta.url).href,
  })
  stdout.write(`${describe(plan)}\n`)
} catch (error) {
  if (!(error instanceof ConfigFaults)) throw error
  stdout.write(`${printFaults(error.faults, { ...english, code: language })}\n`)
}

function describe({ entries, channels }: Plan): string {
  const told = entries.map(({ name, story, options }) => `${name}: ${story.title} ${JSON.stringify(options)}`)
  return [...told, ...channels.map(({ name, channel }) => `${name}: ${channel.title}`)].join('\n')
}
