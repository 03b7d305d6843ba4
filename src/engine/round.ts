import { alarmOf, healedAlarm, isEnd, type Owed, type Subject } from '../core/alarm.ts'
import { affectedBy } from '../core/dependencies.ts'
import { type EntryState, emptyState, type ProblemState, type Transition, type Trial } from '../core/judge.ts'
import { problemId, type Report } from '../core/outcome.ts'
import type { Entry } from '../core/plan.ts'
import { channelsFor } from '../core/routing.ts'
import type { EntryRecord, Happening } from '../core/store.ts'
import { milliseconds, say, type Text } from '../core/text.ts'
import { causeOf, explainedBy } from './cause.ts'
import { isBad } from './census.ts'
import { visit } from './examine.ts'
import { type Looked, lookUntilSure } from './look.ts'
import type { RoundPorts } from './ports.ts'
import { type Curable, cureAll, longest } from './resolve.ts'
import type { Term } from './term.ts'

/** How far a round goes: `no` looks only; `rehearse` says what it would cure; `yes` cures. */
export type Resolving = 'yes' | 'rehearse' | 'no'

/** What a round came to: the newest word of every step, and the state after it. */
export interface RoundResult {
  readonly entry: Entry
  readonly report: Report
  readonly state: EntryState
  /** What the cures of this round have mended. */
  readonly healed: readonly Transition[]
}

/**
 * One round of one entry: look (and look again while in doubt), commit, cure, commit. The first commit owes the
 * alarms already, held back for as long as the cures may take: a process that dies in a cure still tells.
 */
export async function runRound(
  entry: Entry,
  ports: RoundPorts,
  term: Term,
  resolving: Resolving,
): Promise<RoundResult> {
  const { clock, store, observe, census } = ports
  observe({ type: 'round-began', entry: entry.name })
  census.began(entry)
  await using visiting = visit(entry, ports)
  let isJudged = false
  try {
    const before = await store.entry(entry.name)
    const seen = await ports.examinePool(() => lookUntilSure(entry, before, visiting, ports, term.signal))
    const cause = await causeOf(entry, seen, before, ports, term.signal)
    const looked = cause === null ? seen : explainedBy(cause, seen, before)
    census.judged(entry, isBad(looked.state), looked.report.at)
    isJudged = true

    const curables = resolving === 'no' || (resolving === 'yes' && !ports.mayCure()) ? [] : curablesOf(looked)
    const held = new Set(curables.map(({ id }) => id))
    const release = clock.now() + longest(curables)
    await store.commit(term, {
      record: recordOf(entry, looked),
      happenings: looked.transitions.map((one) => happeningOf(entry, one)),
      owed: looked.transitions.map((one) =>
        owedFor(entry, one, held.has(idOf(one)) ? release : clock.now(), ports),
      ),
    })
    if (curables.length === 0) return finish(entry, looked, [], ports)

    // A mass failure is to be seen as one before the first cure.
    await census.settled(
      entry.kind,
      AbortSignal.any([term.signal, AbortSignal.timeout(entry.deadlines.story)]),
    )
    const work = { entry, visiting, term, isRehearsal: resolving === 'rehearse' }
    const cured = await cureAll(curables, looked, work, ports)
    census.judged(entry, isBad(cured.state), cured.report.at)
    const later = cured.transitions.slice(looked.transitions.length)
    const wasRaised = (id: string) => (before?.state ?? emptyState).problems[id]?.phase === 'raised'
    const mended = later.filter((one) => one.kind === 'recovered' && held.has(idOf(one)))
    // A problem of an earlier round has recovered; only a new one was found and mended at once.
    const healed = mended.filter((one) => !wasRaised(idOf(one)))
    await store.commit(term, {
      record: recordOf(entry, cured),
      happenings: [...curesTold(entry, looked, cured), ...later.map((one) => happeningOf(entry, one))],
      owed: owedAfterCures(entry, looked, cured, { held, healed }, ports),
    })
    return finish(entry, cured, mended, ports)
  } catch (error) {
    if (!isJudged) census.judged(entry, false, null)
    observe(
      term.signal.aborted
        ? { type: 'round-interrupted', entry: entry.name }
        : { type: 'round-failed', entry: entry.name, error },
    )
    throw error
  }
}

const idOf = ({ problem }: Transition) => problemId(problem.step, problem.key)

function curablesOf(looked: Looked): Curable[] {
  return Object.entries(looked.state.problems).flatMap(([id, { phase }]) => {
    const cure = looked.cures.get(id)
    return phase === 'raised' && cure !== undefined ? [{ id, cure }] : []
  })
}

/**
 * What is owed once the cures were tried: the alarms held back, now with what was tried; in place of a problem that
 * was found and mended at once a single word, or its recovery where the first word has left already.
 */
function owedAfterCures(
  entry: Entry,
  looked: Looked,
  cured: Looked,
  { held, healed }: { held: ReadonlySet<string>; healed: readonly Transition[] },
  ports: RoundPorts,
): Owed[] {
  const now = ports.clock.now()
  const isHealed = (transition: Transition) => healed.some((one) => idOf(one) === idOf(transition))
  const first = looked.transitions.filter(
    (one) => held.has(idOf(one)) && !(one.kind === 'raised' && isHealed(one)),
  )
  const later = cured.transitions.slice(looked.transitions.length).filter((one) => !healed.includes(one))
  const released = first.map((one) => ({ ...one, problem: cured.state.problems[idOf(one)] ?? one.problem }))
  return [
    ...[...released, ...later].map((one) => owedFor(entry, one, now, ports)),
    ...healed.map((one) => {
      const alarm = healedAlarm(subjectOf(entry, ports), one.at, one.problem)
      const to = channelsFor(alarm, ports.alarms, ports.channels)
      return { alarm, to, due: now, otherwise: alarmOf(subjectOf(entry, ports), one) }
    }),
  ]
}

/** What is owed to whom for a transition: the end of a problem to those who were told of it. */
function owedFor(
  entry: Entry,
  transition: Transition,
  due: number,
  ports: Pick<RoundPorts, 'alarms' | 'channels' | 'entries'>,
): Owed {
  const alarm = alarmOf(subjectOf(entry, ports), transition)
  return { alarm, due, to: isEnd(alarm) ? 'told' : channelsFor(alarm, ports.alarms, ports.channels) }
}

function subjectOf(entry: Entry, { entries }: Pick<RoundPorts, 'entries'>): Subject {
  const affects = (problem: ProblemState) => affectedBy(entry, problem, entries)
  return { name: entry.name, kind: entry.kind, title: entry.story.title, tags: entry.tags, affects }
}

function recordOf(entry: Entry, { report, state, samples }: Looked): EntryRecord {
  const { at, took } = report
  return { name: entry.name, kind: entry.kind, title: entry.story.title, at, took, state, samples }
}

/** The line that a transition leaves in the timeline. */
export function happeningOf(entry: { readonly name: string }, transition: Transition): Happening {
  const { at, kind, problem } = transition
  return { at, entry: entry.name, problem: idOf(transition), kind, text: problem.summary }
}

/** The lines that the cures of this round leave in the timeline. */
function curesTold(entry: Entry, looked: Looked, cured: Looked): Happening[] {
  const ended = cured.transitions
    .slice(looked.transitions.length)
    .map((one) => [idOf(one), one.problem] as const)
  const problems = Object.entries({ ...Object.fromEntries(ended), ...cured.state.problems })
  return problems.flatMap(([id, { tried }]) => {
    const known = looked.state.problems[id]?.tried.length ?? 0
    return tried.slice(known).map(({ at, title, result, took }) => {
      const text = say`${title}: ${trialWords[result]} after ${milliseconds(took)}`
      return { at, entry: entry.name, problem: id, kind: 'cured' as const, text }
    })
  })
}

const trialWords: Readonly<Record<Trial['result'], Text>> = {
  healed: say`healed`,
  'still-there': say`did not help`,
  failed: say`failed`,
  rehearsed: say`would be done`,
  'held-back': say`held back`,
}

function finish(
  entry: Entry,
  looked: Looked,
  healed: readonly Transition[],
  { observe }: RoundPorts,
): RoundResult {
  const { report, state, transitions } = looked
  observe({ type: 'round-ended', entry: entry.name, report, transitions })
  return { entry, report, state, healed }
}
