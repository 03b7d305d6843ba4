import type { AlarmKind } from '../core/alarm.ts'
import { emptyState, type Trial } from '../core/judge.ts'
import { problemId, type Severity } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import type { Outgoing, Samples } from '../core/store.ts'
import { render } from '../core/text.ts'
import { createCensus } from '../engine/census.ts'
import { createLocks } from '../engine/locks.ts'
import type { ExaminePorts, Memory, RoundPorts } from '../engine/ports.ts'
import { runRound } from '../engine/round.ts'
import { soleTerm } from '../engine/term.ts'
import { memoryStore } from '../store/open.ts'
import { type Told, toldOf } from './told.ts'

export interface RoundSettings {
  /** The problems (`step` or `step/key`) whose cures a person consents to for this round. */
  readonly approve?: readonly string[]
}

/** What a round came to: the newest word of every step, what was cured, and what people are told. */
export interface Round extends Omit<Told, 'cure' | 'cures'> {
  /** The problems (`step` or `step/key`) that its cures have mended. */
  readonly healed: readonly string[]
  /** What people would read of it, in order. */
  readonly alarms: readonly AlarmTold[]
  /** The cures tried on a problem that is still there, oldest first. */
  tried(problem: string): readonly TrialTold[]
}

/** An alarm, in English. */
export interface AlarmTold {
  readonly kind: AlarmKind
  /** `step` or `step/key`. */
  readonly problem: string
  readonly severity: Severity
  readonly summary: string
  readonly advice: string
  readonly tried: readonly TrialTold[]
}

/** One attempt at a cure, in English. */
export interface TrialTold {
  readonly title: string
  readonly result: Trial['result']
  /** Why it failed or was held back; null where nothing more is known. */
  readonly detail: string | null
}

export interface Rounds {
  /** Runs a round after the one before, with what the steps remember by now. */
  run(samples: Samples, settings?: RoundSettings): Promise<{ readonly round: Round; readonly after: Memory }>
  close(): Promise<void>
}

/** The one channel that people are told by. */
const channel = 'people'
/** How long a consent holds, in milliseconds. */
const consentFor = 3_600_000

/** Rounds of one entry as a daemon would run them, on a store in memory that begins with the first of them. */
export function roundsOf(entry: Entry, examine: ExaminePorts): Rounds {
  let opened: ReturnType<typeof openRounds> | null = null
  return {
    async run(samples, settings = {}) {
      opened ??= openRounds(entry, examine)
      return await opened.run(samples, settings)
    },
    close: async () => opened?.close(),
  }
}

function openRounds(entry: Entry, examine: ExaminePorts) {
  const store = memoryStore()
  const { clock } = examine
  const term = soleTerm(store.fence, new AbortController().signal)
  const ports: RoundPorts = {
    ...examine,
    store,
    entries: [entry],
    census: createCensus([entry]),
    locks: createLocks(),
    examinePool: (work) => work(),
    curePool: (work) => work(),
    limits: { concurrency: 1, cures: 1, blastRadius: 1 },
    alarms: { groupWait: 0, routes: [], fallback: null, fallbackAfter: consentFor, afterCause: 0 },
    mayCure: () => true,
    channels: [channel],
  }
  const told = async (): Promise<readonly Outgoing[]> => {
    const at = clock.now()
    const outgoing = await store.claim(term, { channel, at, limit: 1000 })
    await store.settle(
      term,
      outgoing.map(({ id }) => ({ id, result: 'sent', at })),
    )
    return outgoing
  }
  return {
    async run(samples: Samples, { approve = [] }: RoundSettings) {
      const { name, kind, story } = entry
      const at = clock.now()
      const before = (await store.entry(name))?.state ?? emptyState
      const record = { name, kind, title: story.title, at, took: 0, state: before, samples }
      await store.commit(term, { record, happenings: [], owed: [] })
      for (const problem of approve)
        await store.approve({ entry: name, problem, by: 'a test', at, until: at + consentFor })
      const { report, state, healed } = await runRound(entry, ports, term, 'yes')
      const after = await store.entry(name)
      const { cure: _, cures: __, ...words } = toldOf(report.steps, new Map(), async () => {})
      const round: Round = {
        ...words,
        healed: healed.map(({ problem }) => problemId(problem.step, problem.key)),
        alarms: (await told()).map(alarmOf),
        tried: (problem) => (state.problems[problem]?.tried ?? []).map(trialOf),
      }
      return { round, after: { state, samples: after?.samples ?? samples } }
    },
    close: () => store[Symbol.asyncDispose](),
  }
}

function alarmOf({ alarm: { kind, problem } }: Outgoing): AlarmTold {
  return {
    kind,
    problem: problemId(problem.step, problem.key),
    severity: problem.severity,
    summary: render(problem.summary),
    advice: render(problem.advice),
    tried: problem.tried.map(trialOf),
  }
}

function trialOf({ title, result, detail }: Trial): TrialTold {
  return { title: render(title), result, detail: detail === null ? null : render(detail) }
}
