import type { Dependency, Entry } from '../core/plan.ts'
import type { Story } from '../core/story.ts'
import { say } from '../core/text.ts'
import { type Checked, check, type Reading } from './check.ts'
import { expand, type Item } from './each.ts'
import { type EntrySettings, entrySchema } from './entry-schema.ts'
import { name as nameSchema } from './fields.ts'
import type { Kinds } from './kinds.ts'
import { checkPace, paceOf } from './pace.ts'
import { get, isMapping, listOf, type Raw } from './raw.ts'
import type { Top } from './schema.ts'
import type { Path } from './source.ts'
import { readSteps, type Steps } from './steps.ts'

/** What entries need to know beside themselves. */
export interface EntryContext extends Reading {
  readonly stories: Kinds<Story>
  readonly top: Pick<Top, 'interval' | 'alarms'>
  /** null: as the entry has it. */
  readonly resolveMode: Entry['resolve']['mode'] | null
}

/** An entry, or one of those that `each` makes; null where it has faults. Its name is known all the same. */
export interface NamedEntry {
  readonly name: string
  readonly path: Path
  readonly entry: Entry | null
}

/** Reads one item of `stories`: an entry, or one for each of its `each`. */
export async function readEntry(
  raw: unknown,
  path: Path,
  context: EntryContext,
): Promise<readonly NamedEntry[]> {
  const settings = check(entrySchema, raw, path, context)?.value ?? null
  if (!isMapping(raw)) return []
  const kind = get(raw, 'story')
  const [story] = await Promise.all([
    typeof kind === 'string' && kind !== '' ? context.stories.use(kind, [...path, 'story']) : null,
    checkPace(raw, path, context),
  ])
  checkScope(raw, story, path, context)
  const steps = story && readSteps(story, get(raw, 'steps'), [...path, 'steps'], context)
  if (steps !== null) checkAllowed(raw, steps, path, context)
  const namePath = [...path, get(raw, 'name') === undefined ? 'story' : 'name']
  return itemsOf(raw).flatMap((item) => {
    const filled = fill(raw, item, path, context)
    if (filled === null) return []
    const options = story && check(story.options, filled.options, [...path, 'with'], context)
    const stepPlans = options && steps?.plans(options.value)
    const dependsOn = filled.dependsOn.map(dependencyOf)
    const parts = { name: filled.name, settings, story, steps, stepPlans, options, dependsOn, context }
    return [{ name: filled.name, path: namePath, entry: isWhole(parts) ? build(parts) : null }]
  })
}

/** Tells of words about where an entry is told that mean nothing in its scope. */
function checkScope(raw: Raw, story: Story | null, path: Path, { findings }: Reading): void {
  const scope = get(raw, 'scope') ?? (story && (story.scope ?? 'cluster'))
  if (scope === 'cluster' && get(raw, 'role') !== undefined) {
    findings.atKey([...path, 'role'], say`"role" is for entries that every node tells of itself`, {
      hint: say`write scope: node, or leave it out`,
    })
  }
  if (scope === 'node' && get(raw, 'spread') !== undefined) {
    findings.atKey([...path, 'spread'], say`"spread" is for entries that one node tells for all`, {
      hint: say`write scope: cluster, or leave it out`,
    })
  }
}

/** null stands for an entry without `each`. */
function itemsOf(raw: Raw): readonly (Item | null)[] {
  if (get(raw, 'each') === undefined) return [null]
  const isScalar = (value: unknown) => typeof value !== 'object' || value === null
  return listOf(get(raw, 'each')).filter(
    (item) => isMapping(item) && Object.values(item).every(isScalar),
  ) as Item[]
}

/** The entry's name and options with the item's values in them; null where it lacks a value. */
function fill(
  raw: Raw,
  item: Item | null,
  path: Path,
  context: EntryContext,
): { readonly name: string; readonly options: unknown; readonly dependsOn: readonly string[] } | null {
  const { findings } = context
  const [name, options] = [get(raw, 'name') ?? get(raw, 'story'), get(raw, 'with') ?? {}]
  const needed = listOf(get(raw, 'dependsOn')).filter((one) => typeof one === 'string')
  if (item === null) return { name: String(name), options, dependsOn: needed }
  const before = findings.count
  const ownName = expand(name, item, [...path, 'name'], context)
  const ownOptions = expand(options, item, [...path, 'with'], context)
  const ownNeeded = listOf(expand(needed, item, [...path, 'dependsOn'], context)).map(String)
  if (findings.count > before) return null
  check(nameSchema(), ownName, [...path, 'name'], context)
  return { name: String(ownName), options: ownOptions, dependsOn: ownNeeded }
}

/** `cache`, or `cache/memory`: the names of entries hold no slash. */
function dependencyOf(text: string): Dependency {
  const [entry = '', step = null] = text.split('/', 2)
  return { entry, step }
}

/** The steps whose cures may run must be there. */
function checkAllowed(raw: Raw, { names }: Steps, path: Path, { findings, redact }: Reading): void {
  for (const [index, step] of listOf(get(get(raw, 'resolve'), 'allow')).entries()) {
    if (typeof step !== 'string' || names.includes(step)) continue
    findings.at([...path, 'resolve', 'allow', index], say`the story has no step "${redact(step)}"`, {
      misspelt: { word: step, known: names },
    })
  }
}

interface Parts {
  readonly name: string
  readonly settings: EntrySettings | null
  readonly story: Story | null
  readonly options: Checked<unknown>
  readonly steps: Steps | null
  readonly stepPlans: Entry['steps'] | null | undefined
  readonly dependsOn: readonly Dependency[]
  readonly context: EntryContext
}

type Whole<Parts> = { readonly [key in keyof Parts]: NonNullable<Parts[key]> }

function isWhole(parts: Parts): parts is Parts & Whole<Parts> {
  return Object.values(parts).every((part) => part !== null && part !== undefined)
}

function build(parts: Whole<Parts>): Entry {
  const { name, settings, story, options, steps, stepPlans, dependsOn, context } = parts
  const { interval, alarms } = context.top
  return {
    name,
    kind: settings.story,
    story,
    options: options.value,
    tags: settings.tags,
    pace: paceOf(settings, interval),
    policy: {
      confirm: settings.confirm ?? alarms.confirm,
      clear: settings.clear ?? alarms.clear,
      remindEvery: alarms.remindEvery,
      blindAfter: alarms.blindAfter,
      flapping: alarms.flapping,
      steps: steps.policies(settings.severity),
    },
    confirmAfter: settings.confirmAfter,
    steps: stepPlans,
    resolve: { ...settings.resolve, mode: context.resolveMode ?? settings.resolve.mode },
    start: settings.start ?? null,
    deadlines: settings.deadlines,
    scope: settings.scope ?? story.scope ?? 'cluster',
    spread: settings.spread,
    dependsOn,
    role: settings.role ?? null,
  }
}
