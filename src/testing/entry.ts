import type { Entry, StepPlan } from '../core/plan.ts'
import type { Story } from '../core/story.ts'

export interface EntrySettings extends Partial<Omit<Entry, 'story' | 'options' | 'steps'>> {
  /** What the entry has under `with:`. */
  readonly with?: unknown
  /** What it has under `steps:`: limits by step. Naming a step switches it on. */
  readonly steps?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** An entry of a story as the configuration would make it, with its default limits; a test sets what it is about. */
export function entryOf<Options, Target>(
  story: Story<Options, Target>,
  { with: given = {}, steps = {}, ...more }: EntrySettings = {},
): Entry {
  const options = story.options.parse(given)
  return {
    name: 'target',
    kind: 'test',
    // The engine hands a story its own options back; the types meet again inside the story.
    story: story as Story,
    options,
    tags: [],
    pace: { every: 60_000, jitter: 0 },
    policy: {
      confirm: 2,
      clear: 2,
      remindEvery: 3_600_000,
      blindAfter: 3,
      flapping: { raises: 3, window: 3_600_000, calm: 600_000 },
      steps: {},
    },
    confirmAfter: 5000,
    steps: Object.fromEntries(
      Object.keys(story.steps).map((name) => [name, stepPlan(story, name, options, steps[name])]),
    ),
    resolve: { mode: 'auto', allow: [], coolDown: 300_000, maxAttempts: 3 },
    start: null,
    deadlines: { open: 5000, step: 10_000, story: 45_000 },
    scope: 'cluster',
    spread: 'ring',
    dependsOn: [],
    role: null,
    ...more,
  }
}

function stepPlan<Options, Target>(
  story: Story<Options, Target>,
  name: string,
  options: Options,
  limits: Readonly<Record<string, unknown>> | undefined,
): StepPlan {
  const step = story.steps[name]
  const isOn = typeof step?.on === 'function' ? step.on(options) : (step?.on ?? true)
  return { on: limits !== undefined || isOn, limits: step?.limits?.parse(limits ?? {}) }
}
