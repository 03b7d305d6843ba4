import { createHash } from 'node:crypto'
import type { ProblemState, Transition, TransitionKind } from './judge.ts'
import { problemId } from './outcome.ts'
import type { Text } from './text.ts'

/** `healed`: found and mended in one round, before anybody was told. */
export type AlarmKind = TransitionKind | 'healed'

/** A message owed to people: what happened to one problem. Plain JSON. */
export interface Alarm {
  /** The same for every attempt to deliver this alarm and for every channel; receivers may drop repeats by it. */
  readonly dedupKey: string
  /** One spell of one problem: raised, reminded and recovered share it. */
  readonly occurrence: string
  readonly kind: AlarmKind
  readonly at: number
  readonly entry: string
  /** The kind of story. */
  readonly story: string
  readonly title: Text
  readonly tags: readonly string[]
  readonly problem: ProblemState
  /** The entries that cannot work because of it; left out where there are none. */
  readonly affected?: readonly string[]
}

/** An alarm and whom it is for: channels by name, or whoever was told of this occurrence before. */
export interface Owed {
  readonly alarm: Alarm
  readonly to: readonly string[] | 'told'
  /** Not to be sent before this wall time, in milliseconds: a cure is still being tried. */
  readonly due: number
  /** What is owed instead where an alarm with this key has already left. */
  readonly otherwise?: Alarm
}

/** What the composing of alarms needs to know of an entry. */
export interface Subject {
  readonly name: string
  readonly kind: string
  readonly title: Text
  readonly tags: readonly string[]
  /** The entries that cannot work because of a problem of it. */
  readonly affects?: (problem: ProblemState) => readonly string[]
}

/** The alarm that tells of a transition. */
export function alarmOf(subject: Subject, { kind, at, problem }: Transition): Alarm {
  return compose(subject, kind, at, problem)
}

/** The alarm of a problem that was found and mended at once. */
export function healedAlarm(subject: Subject, at: number, problem: ProblemState): Alarm {
  return compose(subject, 'healed', at, problem)
}

/** Whether it ends its occurrence: nothing more is told of it. */
export const isEnd = ({ kind }: Pick<Alarm, 'kind'>) =>
  kind === 'healed' || kind === 'recovered' || kind === 'withdrawn'

/** One spell of one problem, named so that every node and every restart names it alike. */
export function occurrenceOf(entry: string, problem: ProblemState): string {
  return spellOf(`${entry}/${problemId(problem.step, problem.key)}`, problem.raisedAt ?? problem.since)
}

/** The occurrence of a problem (`entry/step/key`) that was raised then, wall milliseconds. */
export function spellOf(problem: string, raisedAt: number): string {
  return `${problem}@${new Date(raisedAt).toISOString()}`
}

/** The problem that an occurrence is a spell of: `entry/step/key`. */
export function problemOf(occurrence: string): string {
  return occurrence.slice(0, occurrence.lastIndexOf('@'))
}

/** When a spell was raised, wall milliseconds. */
export function raisedAtOf(occurrence: string): number {
  return Date.parse(occurrence.slice(occurrence.lastIndexOf('@') + 1))
}

/** The dedup keys that a word which ends an occurrence can have: one that was healed at once begins and ends it. */
export function endKeysOf(occurrence: string): readonly string[] {
  return [keyOf(occurrence, 'last'), keyOf(occurrence, 'first')]
}

/** The same word about the spell of its problem that began at another moment (wall milliseconds). */
export function ofSpell(alarm: Alarm, raisedAt: number): Alarm {
  const { entry, story, title, tags, kind, at, problem, affected = [] } = alarm
  const subject = { name: entry, kind: story, title, tags, affects: () => affected }
  return compose(subject, kind, at, { ...problem, raisedAt })
}

function compose(subject: Subject, kind: AlarmKind, at: number, problem: ProblemState): Alarm {
  const occurrence = occurrenceOf(subject.name, problem)
  const affected = subject.affects?.(problem) ?? []
  return {
    dedupKey: keyOf(occurrence, slot(kind, at)),
    occurrence,
    kind,
    at,
    entry: subject.name,
    story: subject.kind,
    title: subject.title,
    tags: subject.tags,
    problem,
    ...(affected.length > 0 && { affected }),
  }
}

function keyOf(occurrence: string, word: string): string {
  return createHash('sha256').update(`${occurrence} ${word}`).digest('hex').slice(0, 24)
}

/** Raised and healed are the same first word about an occurrence: the one replaces the other while unsent. */
function slot(kind: AlarmKind, at: number): string {
  if (kind === 'raised' || kind === 'healed') return 'first'
  if (kind === 'recovered' || kind === 'withdrawn') return 'last'
  return `${kind} ${at}`
}
