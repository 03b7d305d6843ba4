import type { Samples } from '../../src/core/store.ts'
import type { Story } from '../../src/core/story.ts'
import { render } from '../../src/core/text.ts'
import {
  type Told as Answers,
  type Round,
  type RoundSettings,
  teller as tellerOf,
} from '../../src/testing.ts'

/** A story told against a real server, again and again, with what it remembers in between. */
export interface Teller<Options, Target> {
  readonly story: Story<Options, Target>
  /** Tells the steps that are on, or only these, as one round would; each finding is believed at once. */
  tell(...only: string[]): Promise<Told>
  /** A whole round as the engine runs it: it looks until it is sure, cures, and looks again. */
  round(settings?: RoundSettings): Promise<Round>
  /** What the steps remember: to be read, and to be aged by a test. */
  samples: Samples
}

/** What was told, and what a step says whatever its outcome is. */
export interface Told extends Answers {
  /** The rendered summaries of a step's problems; none where it has none. */
  summaries(step: string): string[]
  /** The rendered reason of a step that could not tell; empty where it could. */
  reason(step: string): string
  /** What came of each step. */
  outcomes(): Record<string, string>
  /** Each problem as its step and the kind that its evidence names. */
  kinds(): unknown[]
}

/** Makes an entry of a story as the configuration would, with default limits, and tells it on the system's clock. */
export function teller<Options, Target>(
  story: Story<Options, Target>,
  withOptions: unknown,
  steps: Record<string, Record<string, unknown>> = {},
): Teller<Options, Target> {
  const inner = tellerOf(story, { with: withOptions, steps })
  return {
    story,
    get samples() {
      return inner.samples
    },
    set samples(samples) {
      inner.samples = samples
    },
    round: (settings) => inner.round(settings),
    async tell(...only) {
      const told = await inner.tell(...only)
      return {
        ...told,
        summaries: (name) => told.step(name).findings.map(({ summary }) => render(summary)),
        reason: (name) => render(told.step(name).reason ?? ''),
        outcomes: () =>
          Object.fromEntries(Object.values(told.steps).map(({ step, outcome }) => [step, outcome])),
        kinds: () =>
          Object.values(told.steps).flatMap(({ step, findings }) =>
            findings.map(({ evidence }) => [step, evidence['kind']]),
          ),
      }
    },
  }
}
