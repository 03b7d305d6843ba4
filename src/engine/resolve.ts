import { budgetWindow, permissionFor } from '../core/cure-policy.ts'
import { type Policy, type ProblemState, type Trial, withTrial } from '../core/judge.ts'
import { problemId } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import { type Cure, DidNotHelp } from '../core/story.ts'
import { mapText, milliseconds, say, type Text } from '../core/text.ts'
import { DeadlineExceeded, within } from './deadline.ts'
import type { Visit } from './examine.ts'
import { type Looked, lookAgain } from './look.ts'
import type { RoundPorts } from './ports.ts'
import type { Term } from './term.ts'
import { wordsOf } from './words.ts'

/** A raised problem with the cure that it carries. */
export interface Curable {
  readonly id: string
  readonly cure: Cure
}

export interface CureWork {
  readonly entry: Entry
  readonly visiting: Visit
  readonly term: Term
  /** Only say what would be done. */
  readonly isRehearsal: boolean
}

const standardSettle = 1000
const standardWithin = 60_000
/** The pause between two looks at whether a cure has worked. */
const lookEvery = 1000

/** The longest that these cures may take one after another, in milliseconds. */
export function longest(curables: readonly Curable[]): number {
  return curables.reduce((sum, { cure }) => sum + (cure.within ?? standardWithin) + 5000, 0)
}

/** Tries the cures that may run, one after another, and looks after each whether it helped. */
export async function cureAll(
  curables: readonly Curable[],
  looked: Looked,
  work: CureWork,
  ports: RoundPorts,
): Promise<Looked> {
  let now = looked
  for (const { id, cure } of curables) {
    const problem = now.state.problems[id]
    if (problem !== undefined) now = await attempt(id, problem, cure, now, work, ports)
  }
  return now
}

async function attempt(
  id: string,
  problem: ProblemState,
  cure: Cure,
  looked: Looked,
  work: CureWork,
  ports: RoundPorts,
): Promise<Looked> {
  const { entry } = work
  const permission = await permit(id, problem, entry, ports)
  if (permission.may === 'wait') return looked
  const title = mapText(cure.title, ports.redact)
  const trial = (result: Trial['result'], detail: Text | null): Trial => {
    return { at: ports.clock.now(), title, result, took: 0, detail }
  }
  if (permission.may === 'hold') {
    const isKnown = problem.tried.at(-1)?.result === 'held-back'
    return isKnown ? looked : written(looked, id, trial('held-back', permission.reason))
  }
  if (work.isRehearsal) return written(looked, id, trial('rehearsed', null))
  return ports.locks(cure.target ?? entry.name, () =>
    ports.curePool(() => act(id, problem, cure, permission.actor, looked, work, ports)),
  )
}

async function permit(id: string, problem: ProblemState, entry: Entry, ports: RoundPorts) {
  const at = ports.clock.now()
  const isThis = (one: { entry: string; problem: string }) => one.entry === entry.name && one.problem === id
  const [cures, approvals] = [await ports.store.cures(at - budgetWindow), await ports.store.approvals(at)]
  return permissionFor({
    at,
    plan: entry.resolve,
    problem,
    earlier: cures.filter(isThis),
    approval: approvals.find(isThis) ?? null,
    ...ports.census.count(entry.kind, await ports.store.entries()),
    blastRadius: ports.limits.blastRadius,
  })
}

/** Runs one cure. It is written down before it acts, so that it counts even if this process dies in it. */
async function act(
  id: string,
  problem: ProblemState,
  cure: Cure,
  actor: string,
  looked: Looked,
  work: CureWork,
  ports: RoundPorts,
): Promise<Looked> {
  const { clock, store, observe, redact } = ports
  const { entry, term } = work
  const [at, start] = [clock.now(), clock.elapsed()]
  const title = mapText(cure.title, redact)
  const record = await store.beginCure(term, {
    at,
    entry: entry.name,
    problem: id,
    severity: problem.severity,
    title,
    actor,
  })
  observe({ type: 'cure-began', entry: entry.name, problem: id })
  const finish = async (result: Trial['result'], detail: Text | null) => {
    const trial: Trial = { at, title, result, took: clock.elapsed() - start, detail }
    await store.endCure(term, record, trial)
    observe({ type: 'cure-ended', entry: entry.name, step: problem.step, result })
    return trial
  }
  try {
    if (term.isOver()) throw new Error('the term is over')
    const failure = await run(cure, ports, term.signal)
    await clock.sleep(cure.settle ?? standardSettle, term.signal)
    // An act that failed mends nothing later; one look says whether the problem has gone by itself.
    const deadline = failure === null ? start + (cure.within ?? standardWithin) : clock.elapsed()
    const { isOver, now } = await lookUntilOver(id, problem, looked, deadline, work, ports)
    const result = isOver ? 'healed' : failure === null ? 'still-there' : 'failed'
    return written(now, id, await finish(result, isOver ? null : failure))
  } catch (error) {
    await finish('failed', say`interrupted`)
    throw error
  }
}

/** Acts; gives the reason where the act itself failed. */
async function run(cure: Cure, { clock, redact }: RoundPorts, signal: AbortSignal): Promise<Text | null> {
  try {
    await within(clock, cure.within ?? standardWithin, signal, (runSignal) => cure.run({ signal: runSignal }))
    return null
  } catch (error) {
    if (signal.aborted) throw error
    if (error instanceof DidNotHelp) return mapText(error.reason, redact)
    if (error instanceof DeadlineExceeded) return say`did not end within ${milliseconds(error.ms)}`
    return say`failed: ${wordsOf(error, redact)}`
  }
}

/** Asks the step again until the problem is no longer found, or the cure's time is over. */
async function lookUntilOver(
  id: string,
  problem: ProblemState,
  looked: Looked,
  deadline: number,
  work: CureWork,
  ports: RoundPorts,
): Promise<{ isOver: boolean; now: Looked }> {
  let now = looked
  for (;;) {
    now = await lookAgain(
      work.entry,
      now,
      work.visiting,
      work.term.signal,
      [problem.step],
      believing(work.entry),
    )
    const told = now.report.steps.find(({ step }) => step === problem.step)
    const isFound = told?.findings.some(({ key }) => problemId(problem.step, key) === id) === true
    const couldTell = told?.outcome === 'ok' || told?.outcome === 'problem'
    if (couldTell && !isFound) return { isOver: true, now }
    if (ports.clock.elapsed() + lookEvery >= deadline) return { isOver: false, now }
    await ports.clock.sleep(lookEvery, work.term.signal)
  }
}

/** After a cure one good telling is enough: the cure explains it. */
function believing({ policy }: Entry): Policy {
  const steps = Object.entries(policy.steps).map(([step, own]) => [step, { ...own, clear: 1 }] as const)
  return { ...policy, clear: 1, steps: Object.fromEntries(steps) }
}

/** Writes a trial to its problem: where it stands, or in the word that it has recovered. */
function written(looked: Looked, id: string, trial: Trial): Looked {
  if (looked.state.problems[id] !== undefined) return { ...looked, state: withTrial(looked.state, id, trial) }
  const transitions = looked.transitions.map((one) => {
    const isThis = one.kind === 'recovered' && problemId(one.problem.step, one.problem.key) === id
    return isThis ? { ...one, problem: { ...one.problem, tried: [...one.problem.tried, trial] } } : one
  })
  return { ...looked, transitions }
}
