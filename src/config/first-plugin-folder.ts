import { resolve } from 'node:path'
import { ConfigFaults } from './fault.ts'
import { readConfigFile } from './file.ts'
import { parse } from './parse.ts'
import { type Environment, substitute } from './substitute.ts'

/**
 * The first folder of `plugins` in a configuration, absolute; null where it names none or is no YAML. The folder need
 * not be there, nor the configuration be right otherwise. Throws `ConfigFaults` where the file cannot be read, or where
 * a placeholder in the folder's name cannot be filled.
 */
export async function firstPluginFolder(file: string, env: Environment): Promise<string | null> {
  const { source, findings, isUsable } = parse(await readConfigFile(file))
  if (!isUsable) return null
  const name = () => source.document.getIn(['plugins', 0])
  const written = name()
  if (typeof written !== 'string' || written === '') return null
  if (written.includes('${')) {
    await substitute(source, env, findings)
    if (findings.count > 0) throw new ConfigFaults(await findings.all())
  }
  return resolve(source.folder, String(name()))
}
