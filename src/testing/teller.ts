import { launch } from '../clients/launch.ts'
import type { Clock } from '../core/clock.ts'
import { emptyState, judge } from '../core/judge.ts'
import { createRedactor, findSecrets } from '../core/secret.ts'
import type { Samples } from '../core/store.ts'
import type { Story } from '../core/story.ts'
import { type Visit, visit } from '../engine/examine.ts'
import type { Memory } from '../engine/ports.ts'
import { systemClock } from '../engine/system-clock.ts'
import { entryOf } from './entry.ts'
import { type Round, type RoundSettings, roundsOf } from './rounds.ts'
import { type Told, toldOf } from './told.ts'

export interface TellerSettings {
  /** What an entry has under `with:`. Default: nothing. */
  readonly with?: unknown
  /** What an entry has under `steps:`: limits by step. Naming a step switches it on. */
  readonly steps?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** What time it is for the story; `testClock()` stands still until it is moved. Default: the clock of the system. */
  readonly clock?: Clock
}

/** A story told against a target, again and again, with what it remembers in between. */
export interface Teller extends AsyncDisposable {
  /**
   * Asks the steps that are on, or only these, once. Every finding is believed at once, and no cure runs by itself.
   * The targets that it opened for cures stay open until one has run, or until `close`.
   */
  tell(...steps: readonly string[]): Promise<Told>
  /**
   * A whole round, as the daemon has it, with a store in memory: asks the steps, tries the cures that need no consent
   * or have it, asks again whether they helped, and owes people the alarms. People know only of earlier rounds.
   */
  round(settings?: RoundSettings): Promise<Round>
  /** What the steps remember, by step: to be read, and to be changed by a test. */
  samples: Samples
  close(): Promise<void>
}

/**
 * Makes an entry of a story as a configuration would, to be told in tests.
 * @throws ZodError where `with` or `steps` is not what the story takes
 */
export function teller<Options, Target>(
  story: Story<Options, Target>,
  { with: given = {}, steps = {}, clock = systemClock }: TellerSettings = {},
): Teller {
  const entry = entryOf(story, { with: given, steps, policy: believing, deadlines })
  const redact = createRedactor(findSecrets(entry.options))
  const ports = { clock, redact, observe: () => {}, launch }
  const rounds = roundsOf(entry, ports)
  const open = new Set<Visit>()
  let memory: Memory = { state: emptyState, samples: {} }

  const shut = async (visiting: Visit) => {
    open.delete(visiting)
    await visiting[Symbol.asyncDispose]()
  }
  const close = async () => {
    await Promise.all([...open].map(shut))
    await rounds.close()
  }
  return {
    get samples() {
      return memory.samples
    },
    set samples(samples) {
      memory = { ...memory, samples }
    },
    async tell(...only) {
      const visiting = visit(entry, ports)
      open.add(visiting)
      const { signal } = new AbortController()
      const { report, cures } = await visiting.tell(memory, signal, only.length > 0 ? only : undefined)
      const fresh = report.steps.flatMap(({ step, sample }) => (sample ? [[step, sample] as const] : []))
      memory = {
        state: judge(memory.state, report, entry.policy).after,
        samples: { ...memory.samples, ...Object.fromEntries(fresh) },
      }
      if (cures.size === 0) await shut(visiting)
      return toldOf(report.steps, cures, () => shut(visiting))
    },
    async round(settings) {
      const { round, after } = await rounds.run(memory.samples, settings)
      memory = after
      return round
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A test wants to hear of what is there now, not of what lasts. */
const believing = {
  confirm: 1,
  clear: 1,
  remindEvery: null,
  blindAfter: 3,
  flapping: { raises: 100, window: 1, calm: 1 },
  steps: {},
}

const deadlines = { open: 8000, step: 10_000, story: 45_000 }
