import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PluginFault, type Plugins } from '../core/plugins.ts'
import { say } from '../core/text.ts'
import { type ImportOptions, importPlugin, labelOf } from './import-plugin.ts'
import type { PluginShape } from './plugin-shape.ts'

/** The plugins of a folder: `<kind>.ts`, or `<kind>/index.ts`, each imported when it is loaded. */
export function pluginsIn<Plugin>(
  folder: string,
  shape: PluginShape<Plugin>,
  options: ImportOptions = {},
): Plugins<Plugin> {
  let scanned: ReturnType<typeof scan> | null = null
  const files = () => {
    scanned ??= scan(folder)
    return scanned
  }
  return {
    names: async () => [...(await files()).keys()].sort(),
    async load(kind) {
      const [file, twin] = (await files()).get(kind) ?? []
      if (file === undefined) throw new Error(`there is no plugin ${kind} in ${folder}`)
      if (twin === undefined) return importPlugin(file, shape, options)
      const both = [labelOf(file), labelOf(twin)] as const
      throw new PluginFault(
        both[1],
        say`${both[0]} and ${both[1]} are one kind`,
        say`remove or rename one of them`,
      )
    },
  }
}

/** The plugins of several places as one; of a kind that is in two, the first. */
export function joinPlugins<Plugin>(places: readonly Plugins<Plugin>[]): Plugins<Plugin> {
  return {
    async names() {
      const names = await Promise.all(places.map((place) => place.names()))
      return [...new Set(names.flat())].sort()
    },
    async load(kind) {
      for (const place of places) if ((await place.names()).includes(kind)) return place.load(kind)
      throw new Error(`there is no plugin ${kind}`)
    },
  }
}

/** The files of each kind in a folder; none where the folder is not there. */
async function scan(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await Promise.all(
    (await list(folder)).map(async (name) => [name, await filesOf(folder, name)] as const),
  )
  const files = new Map<string, string[]>()
  for (const [name, paths] of found) {
    const kind = name.split('.', 1)[0] ?? name
    if (paths.length > 0) files.set(kind, [...(files.get(kind) ?? []), ...paths])
  }
  return files
}

const isPlugin = /^[\w-]+\.m?[jt]s$/
const isIndex = /^index\.m?[jt]s$/

/** The file itself, or what a folder offers as its index. */
async function filesOf(folder: string, name: string): Promise<readonly string[]> {
  const path = join(folder, name)
  if (isPlugin.test(name)) return [path]
  if (!/^[\w-]+$/.test(name)) return []
  return (await list(path)).filter((inner) => isIndex.test(inner)).map((inner) => join(path, inner))
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
