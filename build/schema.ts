import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchema } from '../src/config/json-schema.ts'
import { channelShape, storyShape } from '../src/config/plugin-shape.ts'
import { pluginsIn } from '../src/config/plugins.ts'

/** Writes the JSON schema of the configuration, for editors. With `--check` it only says whether it is up to date. */
async function main(root: string, isCheck: boolean): Promise<void> {
  const file = join(root, 'config/healthz.schema.json')
  const stories = pluginsIn(join(root, 'stories'), storyShape)
  const channels = pluginsIn(join(root, 'channels'), channelShape)
  const schema = `${JSON.stringify(await jsonSchema(stories, channels), null, 2)}\n`
  if (!isCheck) return writeFileSync(file, schema)
  if (readOrNothing(file) === schema) return console.log('config/healthz.schema.json is up to date')
  console.error('config/healthz.schema.json is stale; write it anew: npm run schema')
  process.exitCode = 1
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // It was never written: as stale as can be.
    return ''
  }
}

if (import.meta.main) await main(process.cwd(), process.argv.includes('--check'))
