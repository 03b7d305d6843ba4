import { PluginFault, type Plugins } from '../core/plugins.ts'
import { type Said, say } from '../core/text.ts'
import type { Reading } from './check.ts'
import type { Path } from './source.ts'

/** The kinds that a file can name, each loaded when it is first named. */
export interface Kinds<Plugin> {
  names(): Promise<readonly string[]>
  /** The plugin of the kind that is named at a path; null where there is none, and the findings say why. */
  use(kind: string, path: Path): Promise<Plugin | null>
}

/** `noun` is what a plugin of these is called. */
export function kindsOf<Plugin>(
  plugins: Plugins<Plugin>,
  noun: Said,
  { findings, redact }: Reading,
): Kinds<Plugin> {
  const loading = new Map<string, Promise<Plugin | PluginFault>>()
  const names = () => plugins.names()
  return {
    names,
    async use(kind, path) {
      const known = await names()
      if (!known.includes(kind)) {
        findings.at(path, say`there is no ${noun} of the kind "${redact(kind)}"`, {
          misspelt: { word: kind, known },
        })
        return null
      }
      const loaded = await (loading.get(kind) ?? load(kind))
      if (!(loaded instanceof PluginFault)) return loaded
      const { file, line, reason, hint } = loaded
      findings.add({ file, line: line ?? 0, column: 0, message: reason, hint })
      return null
    },
  }

  function load(kind: string): Promise<Plugin | PluginFault> {
    const plugin = plugins.load(kind).catch((error: unknown) => {
      if (error instanceof PluginFault) return error
      throw error
    })
    loading.set(kind, plugin)
    return plugin
  }
}
