import { connectStep } from '../core/dependencies.ts'
import { emptyState, judge, type Transition, type Verdict, withdraw } from '../core/judge.ts'
import type { Report } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import type { EntryRecord } from '../core/store.ts'
import type { Cure } from '../core/story.ts'
import type { Visit } from './examine.ts'
import type { ExaminePorts, Memory } from './ports.ts'

/** All that a round has seen so far: the newest word of each step, and what the judge made of it. */
export interface Looked extends Memory {
  readonly report: Report
  readonly transitions: readonly Transition[]
  /** The cures at hand, by problem id. */
  readonly cures: ReadonlyMap<string, Cure>
}

/** Tells the entry, and tells its unsettled steps again after a short while, until the judge is sure. */
export async function lookUntilSure(
  entry: Entry,
  before: EntryRecord | null,
  visiting: Visit,
  ports: ExaminePorts,
  signal: AbortSignal,
): Promise<Looked> {
  // A step that left the configuration while a problem of it was raised: whoever was told hears that nobody looks now.
  const isWatched = (step: string) => step === connectStep || entry.steps[step]?.on === true
  const { after, transitions } = withdraw(before?.state ?? emptyState, ports.clock.now(), isWatched)
  const start: Looked = {
    state: after,
    samples: before?.samples ?? {},
    report: { entry: entry.name, at: 0, took: 0, steps: [] },
    transitions,
    cures: new Map(),
  }
  let looked = await lookAgain(entry, start, visiting, signal)
  for (let told = 1; told < mostTellings(entry) && looked.unsettled.length > 0; told++) {
    await ports.clock.sleep(entry.confirmAfter, signal)
    looked = await lookAgain(entry, looked, visiting, signal, looked.unsettled)
  }
  return looked
}

/** Tells some or all steps once more and lays what they say over what was seen before. */
export async function lookAgain(
  entry: Entry,
  before: Looked,
  visiting: Visit,
  signal: AbortSignal,
  only?: readonly string[],
  policy = entry.policy,
): Promise<Looked & Pick<Verdict, 'unsettled'>> {
  const { report, cures } = await visiting.tell(before, signal, only)
  const verdict = judge(before.state, report, policy)
  const fresh = Object.fromEntries(
    report.steps.flatMap(({ step, sample }) => (sample ? [[step, sample]] : [])),
  )
  const told = new Set(report.steps.map(({ step }) => step))
  const keptCures = [...before.cures].filter(([id]) => !told.has(id.split('/', 1)[0] ?? id))
  return {
    state: verdict.after,
    samples: { ...before.samples, ...fresh },
    report: merge(before.report, report),
    transitions: [...before.transitions, ...verdict.transitions],
    cures: new Map([...keptCures, ...cures]),
    unsettled: verdict.unsettled,
  }
}

function mostTellings({ policy }: Entry): number {
  const own = Object.values(policy.steps).flatMap(({ confirm = 1, clear = 1 }) => [confirm, clear])
  return Math.max(policy.confirm, policy.clear, ...own)
}

/** The newest word of each step, in the story's order. */
function merge(before: Report, now: Report): Report {
  if (before.steps.length === 0) return now
  const fresh = new Map(now.steps.map((step) => [step.step, step]))
  const kept = before.steps.map((step) => fresh.get(step.step) ?? step)
  const known = new Set(before.steps.map((step) => step.step))
  const added = now.steps.filter((step) => !known.has(step.step))
  return { ...before, took: now.at + now.took - before.at, steps: [...kept, ...added] }
}
