import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Channel } from '../core/channel.ts'
import type { Plugins } from '../core/plugins.ts'
import type { Story } from '../core/story.ts'
import { say } from '../core/text.ts'
import type { Reading } from './check.ts'
import { linkHealthz } from './link.ts'
import { channelShape, type PluginShape, storyShape } from './plugin-shape.ts'
import { joinPlugins, pluginsIn } from './plugins.ts'
import { listOf } from './raw.ts'
import type { Path } from './source.ts'

/** The kinds of stories and channels that a configuration can name. */
export interface AllPlugins {
  readonly stories: Plugins<Story>
  readonly channels: Plugins<Channel>
}

/**
 * The built-in kinds and those of the folders in `plugins`: stories in the folder itself, channels in its folder
 * `channels`. A kind that is in two places is a fault. `index` is what 'healthz' leads to for files outside.
 */
export async function withFolders(
  builtIn: AllPlugins,
  raw: unknown,
  index: string | null,
  reading: Reading,
): Promise<AllPlugins> {
  const folders = await foldersIn(raw, reading)
  if (folders.length === 0) return builtIn
  if (index !== null) linkHealthz(index)
  const places = folders.map(({ path, folder }) => ({ path, folder: join(folder, 'channels') }))
  return {
    stories: await extend(builtIn.stories, folders, storyShape, reading),
    channels: await extend(builtIn.channels, places, channelShape, reading),
  }
}

interface Folder {
  readonly path: Path
  readonly folder: string
}

async function foldersIn(raw: unknown, { source, findings }: Reading): Promise<readonly Folder[]> {
  const folders: Folder[] = []
  for (const [index, name] of listOf(raw).entries()) {
    if (typeof name !== 'string' || name === '') continue
    const path = ['plugins', index]
    const folder = resolve(source.folder, name)
    const failure = await readdir(folder).then(() => null, codeOf)
    if (failure === 'ENOENT')
      findings.at(path, say`there is no such folder`, { hint: say`it is relative to this file` })
    else if (failure === 'ENOTDIR') findings.at(path, say`this is a file; the folder it is in is wanted`)
    else if (failure !== null) findings.at(path, say`this folder cannot be read: ${failure}`)
    else if (folders.some((other) => other.folder === folder))
      findings.at(path, say`this folder stands here twice`)
    else folders.push({ path, folder })
  }
  return folders
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.name
}

async function extend<Plugin>(
  builtIn: Plugins<Plugin>,
  folders: readonly Folder[],
  shape: PluginShape<Plugin>,
  { findings }: Reading,
): Promise<Plugins<Plugin>> {
  const places = [builtIn]
  const taken = new Set(await builtIn.names())
  for (const { path, folder } of folders) {
    const place = pluginsIn(folder, shape, { isReread: true })
    for (const kind of await place.names()) {
      if (taken.has(kind)) {
        findings.at(path, say`there is another ${shape.noun} "${kind}" beside the one in this folder`, {
          hint: say`rename its file`,
        })
      }
      taken.add(kind)
    }
    places.push(place)
  }
  return joinPlugins(places)
}
