import { z } from 'healthz'
import type { Entered } from './api.ts'
import { masterWait } from './version.ts'

/** The settings of the cluster that are in force, by their full names. */
export type Settings = ReadonlyMap<string, string>

/** @throws CannotTell, ConnectionFailure */
export async function readSettings(
  { api, version }: Pick<Entered, 'api' | 'version'>,
  signal: AbortSignal,
): Promise<Settings> {
  const wanted = ['routing.allocation.disk', 'max_shards_per_node*', 'blocks']
  const filter = wanted.map((name) => `*.cluster.${name}`)
  const path = `/_cluster/settings?include_defaults=true&filter_path=${filter}&${masterWait(version)}`
  const { defaults, persistent, transient } = await api.get(path, shape, signal)
  // What is said later wins.
  return new Map([defaults, persistent, transient].flatMap((part) => [...flattened(part ?? {})]))
}

/** Some parts of a name may stand nested and others with a dot in them, in one answer. */
function* flattened(part: Readonly<Record<string, unknown>>, prefix = ''): Generator<[string, string]> {
  for (const [name, value] of Object.entries(part)) {
    if (typeof value === 'string') yield [prefix + name, value]
    const nested = group.safeParse(value)
    if (nested.success) yield* flattened(nested.data, `${prefix}${name}.`)
  }
}

const group = z.record(z.string(), z.unknown())

const shape = z.looseObject({
  defaults: group.optional(),
  persistent: group.optional(),
  transient: group.optional(),
})
