import type { Entry } from '../core/plan.ts'
import { say } from '../core/text.ts'
import { checkDependencies } from './dependencies.ts'
import { type EntryContext, type NamedEntry, readEntry } from './entry.ts'
import { get, listOf } from './raw.ts'

/** The entries that watch over the watchman and its cluster. */
const ownNames = ['healthz', 'cluster']

export interface Entries {
  /** The entries that are enabled and have no fault. */
  readonly entries: readonly Entry[]
  /** The names of all, with faults or without. */
  readonly names: readonly string[]
}

/** Reads the list `stories`. */
export async function readEntries(raw: unknown, context: EntryContext): Promise<Entries> {
  const read = await Promise.all(
    listOf(raw).map(async (item, index) => ({
      isOn: get(item, 'enabled') !== false,
      named: await readEntry(item, ['stories', index], context),
    })),
  )
  const named = read.flatMap((item) => item.named)
  tellNamesakes(named, context)
  checkDependencies(named, context)
  return {
    entries: read
      .filter(({ isOn }) => isOn)
      .flatMap((item) => item.named.map(({ entry }) => entry))
      .filter((entry) => entry !== null),
    names: named.map(({ name }) => name),
  }
}

function tellNamesakes(named: readonly NamedEntry[], { source, findings, redact }: EntryContext): void {
  const first = new Map<string, NamedEntry>()
  for (const item of named) {
    const { name, path } = item
    const before = first.get(name)
    if (ownNames.includes(name)) findings.at(path, say`the name "${name}" is the watchman's own`)
    if (before === undefined) {
      first.set(name, item)
      continue
    }
    const { line } = source.placeOf(source.nodeAt(before.path)?.range?.[0] ?? 0)
    const hint =
      before.path === path || before.path.join() === path.join()
        ? say`put a value of "each" into the name, such as "site-{host}"`
        : say`give this entry a name of its own`
    findings.at(path, say`the name "${redact(name)}" is taken by the entry on line ${String(line)}`, { hint })
  }
}
