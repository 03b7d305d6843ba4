import { z } from 'healthz'
import type { Api } from './api.ts'
import type { ClusterHealth } from './cluster-health.ts'

/** What the user may see of the indices. */
export interface Indices {
  /** The blocks that are set, by index. */
  readonly blocks: ReadonlyMap<string, readonly Block[]>
  /** How many indices the user may not see, beside those of the system. */
  readonly hidden: number
}

export type Block = 'read_only' | 'read_only_allow_delete' | 'write'

/**
 * Both products leave out, without a word, the indices that the user has no right on; the health of the cluster
 * lists all of them.
 * @throws CannotTell, ConnectionFailure
 */
export async function readIndices(api: Api, health: ClusterHealth, signal: AbortSignal): Promise<Indices> {
  const names = ['uuid', ...blockNames.map((block) => `blocks.${block}`)].map((name) => `index.${name}`)
  const path = `/_all/_settings/${names}?flat_settings=true&expand_wildcards=all`
  const raw = await api.get(path, settingsShape, signal)
  const blocks = Object.entries(raw).map(([index, { settings }]): [string, readonly Block[]] => [
    index,
    blockNames.filter((block) => settings[`index.blocks.${block}`] === 'true'),
  ])
  return { blocks: new Map(blocks), hidden: hiddenOf(health, Object.keys(raw)) }
}

const blockNames = ['read_only', 'read_only_allow_delete', 'write'] as const

const settingsShape = z.record(z.string(), z.looseObject({ settings: z.record(z.string(), z.string()) }))

/** The indices behind each alias. */
export interface Aliases {
  readonly byName: ReadonlyMap<string, readonly AliasedIndex[]>
  readonly indices: ReadonlySet<string>
  /** As of `Indices`. */
  readonly hidden: number
}

export interface AliasedIndex {
  readonly index: string
  /** Whether it is marked as the one that is written to; null where nothing is said. */
  readonly isWritten: boolean | null
}

/** @throws CannotTell, ConnectionFailure */
export async function readAliases(api: Api, health: ClusterHealth, signal: AbortSignal): Promise<Aliases> {
  const raw = await api.get('/_alias?expand_wildcards=all', aliasShape, signal)
  const byName = new Map<string, AliasedIndex[]>()
  for (const [index, { aliases }] of Object.entries(raw)) {
    for (const [name, { is_write_index }] of Object.entries(aliases)) {
      const found = byName.get(name) ?? []
      byName.set(name, [...found, { index, isWritten: is_write_index ?? null }])
    }
  }
  const names = Object.keys(raw)
  return { byName, indices: new Set(names), hidden: hiddenOf(health, names) }
}

const aliasShape = z.record(
  z.string(),
  z.looseObject({
    aliases: z.record(z.string(), z.looseObject({ is_write_index: z.boolean().optional() })),
  }),
)

function hiddenOf({ indices }: ClusterHealth, visible: readonly string[]): number {
  const seen = new Set(visible)
  return indices.filter(({ name }) => !name.startsWith('.') && !seen.has(name)).length
}

/** The index that an alias is written to; null where it is none or ambiguous, and writing fails. */
export function writtenBehind(behind: readonly AliasedIndex[]): string | null {
  const marked = behind.filter(({ isWritten }) => isWritten === true)
  if (marked.length === 1) return marked[0]?.index ?? null
  const [only] = behind
  return behind.length === 1 && only?.isWritten !== false ? (only?.index ?? null) : null
}
