import { launch } from '../../src/clients/launch.ts'
import { emptyState, judge } from '../../src/core/judge.ts'
import type { StepReport } from '../../src/core/outcome.ts'
import { createRedactor, findSecrets } from '../../src/core/secret.ts'
import type { Samples } from '../../src/core/store.ts'
import type { Cure, Story } from '../../src/core/story.ts'
import { render } from '../../src/core/text.ts'
import { visit } from '../../src/engine/examine.ts'
import type { Memory } from '../../src/engine/ports.ts'
import { systemClock } from '../../src/engine/system-clock.ts'
import { entryOf } from './entry.ts'

/** A story told against a target, again and again, with what it remembers in between. */
export interface Teller<Options, Target> {
  readonly story: Story<Options, Target>
  /** Tells the steps that are on, or only these, as one round would; each finding is believed at once. */
  tell(...only: string[]): Promise<Told>
  /** What the steps remember: to be read, and to be aged by a test. */
  samples: Samples
}

export interface Told {
  readonly steps: Readonly<Record<string, StepReport>>
  /** A step's report; fails with the whole report where there is none. */
  step(name: string): StepReport
  /** The rendered summaries of a step's problems. */
  summaries(step: string): string[]
  /** The rendered reason of a step that could not tell. */
  reason(step: string): string
  /** Runs the cure of one problem (`step` or `step/key`). */
  cure(problem: string): Promise<void>
  readonly cures: ReadonlyMap<string, Cure>
}

/** Makes an entry of a story as the configuration would, with default limits, and tells it on the system's clock. */
export function teller<Options, Target>(
  story: Story<Options, Target>,
  withOptions: unknown,
  steps: Record<string, Record<string, unknown>> = {},
): Teller<Options, Target> {
  const entry = entryOf(story, {
    with: withOptions,
    steps,
    policy: {
      confirm: 1,
      clear: 1,
      remindEvery: null,
      blindAfter: 3,
      flapping: { raises: 100, window: 1, calm: 1 },
      steps: {},
    },
    deadlines: { open: 8000, step: 10_000, story: 45_000 },
    scope: 'cluster',
    spread: 'ring',
    role: null,
  })
  const redact = createRedactor(findSecrets(entry.options))
  const ports = { clock: systemClock, redact, observe: () => {}, launch }
  let memory: Memory = { state: emptyState, samples: {} }
  return {
    story,
    get samples() {
      return memory.samples
    },
    set samples(samples) {
      memory = { ...memory, samples }
    },
    async tell(...only) {
      const visiting = visit(entry, ports)
      const signal = new AbortController().signal
      const { report, cures } = await visiting.tell(memory, signal, only.length > 0 ? only : undefined)
      const fresh = Object.fromEntries(
        report.steps.flatMap((told) => (told.sample ? [[told.step, told.sample]] : [])),
      )
      memory = {
        state: judge(memory.state, report, entry.policy).after,
        samples: { ...memory.samples, ...fresh },
      }
      // The target stays open while a cure may use it; a test ends long before the next telling opens another.
      const told = Object.fromEntries(report.steps.map((step) => [step.step, step]))
      if (cures.size === 0) await visiting[Symbol.asyncDispose]()
      return answers(told, cures, async () => visiting[Symbol.asyncDispose]())
    },
  }
}

function answers(
  steps: Readonly<Record<string, StepReport>>,
  cures: ReadonlyMap<string, Cure>,
  close: () => Promise<void>,
): Told {
  const step = (name: string): StepReport => {
    const told = steps[name]
    if (told === undefined) throw new Error(`no step ${name} in ${JSON.stringify(steps)}`)
    return told
  }
  return {
    steps,
    step,
    cures,
    summaries: (name) => step(name).findings.map((finding) => render(finding.summary)),
    reason: (name) => render(step(name).reason ?? ''),
    async cure(problem) {
      const cure = cures.get(problem)
      if (cure === undefined)
        throw new Error(`no cure for ${problem}, only for ${[...cures.keys()].join(', ')}`)
      try {
        await cure.run({ signal: AbortSignal.timeout(cure.within ?? 60_000) })
      } finally {
        await close()
      }
    },
  }
}
