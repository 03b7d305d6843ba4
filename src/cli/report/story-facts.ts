import type { Step, Story } from '../../core/story.ts'
import { say, type Text } from '../../core/text.ts'
import { type Field, fieldsOf } from './schema-fields.ts'

/** All that a person should know of a kind of story before they configure one. */
export interface StoryFacts {
  readonly kind: string
  readonly title: Text
  /** Who tells it. */
  readonly scope: Text
  readonly options: readonly Field[]
  readonly steps: readonly StepFacts[]
  /** An entry of a configuration, in YAML; null where none is given. */
  readonly example: string | null
  /** The commands that give the least rights; null where none are needed. */
  readonly rights: string | null
}

export interface StepFacts {
  readonly name: string
  readonly title: Text
  /** Whether it is asked where an entry does not name it. */
  readonly when: 'on' | 'by-options' | 'off'
  readonly limits: readonly Field[]
  readonly cures: NonNullable<Step['cures']>
}

/** The facts of a kind of story. */
export function factsOf<Options, Target>(
  kind: string,
  { title, scope, options, steps, guide }: Story<Options, Target>,
): StoryFacts {
  return {
    kind,
    title,
    scope: scope === 'node' ? say`every node tells it about itself` : say`one node tells it for the platform`,
    options: fieldsOf(options),
    steps: Object.entries(steps).map(([name, step]) => stepFacts(name, step)),
    example: guide?.example.trim() || null,
    rights: guide?.rights?.trim() || null,
  }
}

function stepFacts<Target, Options>(
  name: string,
  { title, on = true, limits, cures = [] }: Step<Target, Options>,
): StepFacts {
  return {
    name,
    title,
    when: typeof on === 'function' ? 'by-options' : on ? 'on' : 'off',
    limits: limits === undefined ? [] : fieldsOf(limits),
    cures,
  }
}

/** How people are told when a step is asked. */
export const whenWords: Readonly<Record<StepFacts['when'], Text>> = {
  on: say`on`,
  'by-options': say`on where the options ask for it`,
  off: say`off unless it is named`,
}

/** How people are told what a cure needs. */
export const consentWords: Readonly<Record<StepFacts['cures'][number]['consent'], Text>> = {
  auto: say`runs by itself`,
  ask: say`waits for a person's consent`,
}
