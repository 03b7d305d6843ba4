import type { Dependency, Entry } from './plan.ts'
import type { EntryRecord } from './store.ts'

type Dependent = Pick<Entry, 'name' | 'dependsOn'>

/** The step that tells whether a system can be reached. */
export const connectStep = 'connect'

type Reaching = Pick<Entry['story'], 'open' | 'steps'>

/** The step that they depend on; null: all of a story that reaches nothing. */
export function stepOf({ step }: Dependency, { open, steps }: Reaching): string | null {
  if (step !== null) return step
  return open !== undefined || connectStep in steps ? connectStep : null
}

/** Whether a step's problem is one that those who depend on this suffer from. */
export function concerns(
  dependency: Dependency,
  problem: { readonly step: string; readonly severity: string },
  story: Reaching,
): boolean {
  const step = stepOf(dependency, story)
  return step === null ? problem.severity === 'critical' : problem.step === step
}

/** Whether what the entry's record holds as raised breaks those who depend on it so. */
export function isBroken(dependency: Dependency, entry: Pick<Entry, 'story'>, record: EntryRecord | null) {
  return Object.values(record?.state.problems ?? {}).some(
    (problem) => problem.phase === 'raised' && concerns(dependency, problem, entry.story),
  )
}

/** The names of the entries that a problem of this one takes with it, in the plan's order. */
export function affectedBy(
  entry: Pick<Entry, 'name' | 'story'>,
  problem: { readonly step: string; readonly severity: string },
  entries: readonly Dependent[],
): readonly string[] {
  const affected = new Set<string>()
  const reach = (name: string, isHit: (dependency: Dependency) => boolean) => {
    for (const one of entries) {
      if (affected.has(one.name) || one.name === entry.name) continue
      if (!one.dependsOn.some((dependency) => dependency.entry === name && isHit(dependency))) continue
      affected.add(one.name)
      reach(one.name, () => true)
    }
  }
  reach(entry.name, (dependency) => concerns(dependency, problem, entry.story))
  return entries.map(({ name }) => name).filter((name) => affected.has(name))
}

/** A circle of entries that depend on each other, its first name again at the end; null: there is none. */
export function circleIn(entries: readonly Dependent[]): readonly string[] | null {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const isFine = new Set<string>()
  const walk = (name: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (isFine.has(name)) return null
    for (const dependency of byName.get(name)?.dependsOn ?? []) {
      const circle = walk(dependency.entry, [...path, name])
      if (circle !== null) return circle
    }
    isFine.add(name)
    return null
  }
  for (const { name } of entries) {
    const circle = walk(name, [])
    if (circle !== null) return circle
  }
  return null
}
