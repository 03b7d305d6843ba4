import type { ClusterTiming } from './cluster.ts'
import { say, type Text } from './text.ts'

/** Timings that are known to work. `lan`: a Redis nearby, up to 50 nodes; `wide`: far apart, or hundreds of nodes. */
export const profiles: Readonly<Record<'lan' | 'wide', ClusterTiming>> = {
  lan: { beat: 500, valid: 3000, lease: 5000, clockStep: 750, settle: 1000, batch: 1000 },
  wide: { beat: 2000, valid: 12_000, lease: 20_000, clockStep: 3000, settle: 3000, batch: 2000 },
}

type Setting = keyof ClusterTiming

/** A rule that a timing breaks. */
export interface TimingFault {
  /** The settings that it is about. The first one tells the rules apart. */
  readonly settings: readonly [Setting, ...Setting[]]
  readonly message: Text
  readonly advice: Text
}

/** How long a heartbeat waits for its answer, as a share of the time to the next. */
const answerShare = 0.9

/** The rules that a timing breaks; where there are none, no two nodes believe at once that they hold one seat. */
export function timingFaults(timing: ClusterTiming): readonly TimingFault[] {
  const held = rules.filter((rule) => rule.holds(timing))
  const isSound = ({ to, setting, side }: Change, broken: Rule) => {
    // What is made longer can be followed by others; shorter than another rule allows leads nowhere.
    if (side === 'least') return true
    return to > 0 && [broken, ...held].every((rule) => rule.holds({ ...timing, [setting]: to }))
  }
  return rules
    .filter((rule) => !rule.holds(timing))
    .map((rule) => ({
      settings: rule.settings,
      message: rule.message(timing),
      advice: adviceOf(rule.changes(timing).filter((change) => isSound(change, rule))),
    }))
}

interface Rule extends Pick<TimingFault, 'settings'> {
  holds(timing: ClusterTiming): boolean
  message(timing: ClusterTiming): Text
  /** Each alone makes the rule hold. */
  changes(timing: ClusterTiming): readonly Change[]
}

interface Change {
  readonly setting: Setting
  readonly side: 'least' | 'most'
  readonly to: number
}

/** By how much a clock may run too fast or too slow. */
const clockError = 0.05
/** A node whose clock is slow trusts its session for so much longer than one whose clock is fast. */
const stretch = (1 + clockError) / (1 - clockError)
/** So many jumps of the clock of Redis are survived within one lease. */
const clockSteps = 2
/** So many heartbeats may be lost in a row, and the next one may wait for its answer. */
const validBeats = 3 + answerShare
/** A heartbeat that comes so late must not hold up the clock of the leases. */
const lateBeats = 1.5

const rules: readonly Rule[] = [
  {
    // Who was cut off has given its seats up before Redis gives them to another.
    settings: ['lease', 'valid', 'clockStep'],
    // Written as the advice below: otherwise the two could differ in the last digit.
    holds: ({ lease, valid, clockStep }) => lease >= valid * stretch + clockSteps * clockStep,
    message: ({ lease, valid, clockStep }) =>
      say`"lease" is ${span(lease)}: too short for "valid" ${span(valid)} and "clockStep" ${span(clockStep)}; two nodes could lead at once`,
    changes: ({ lease, valid, clockStep }) => [
      atLeast('lease', valid * stretch + clockSteps * clockStep),
      atMost('valid', (lease - clockSteps * clockStep) / stretch),
      atMost('clockStep', (lease - valid * stretch) / clockSteps),
    ],
  },
  {
    settings: ['valid', 'beat'],
    holds: ({ valid, beat }) => valid >= validBeats * beat,
    message: ({ valid, beat }) =>
      say`"valid" is ${span(valid)}: too short for "beat" ${span(beat)}; a few lost heartbeats would cost a node its seats`,
    changes: ({ valid, beat }) => [atLeast('valid', validBeats * beat), atMost('beat', valid / validBeats)],
  },
  {
    settings: ['clockStep', 'beat'],
    holds: ({ clockStep, beat }) => clockStep >= lateBeats * beat,
    message: ({ clockStep, beat }) =>
      say`"clockStep" is ${span(clockStep)}: too short for "beat" ${span(beat)}; the clock of the leases would fall behind`,
    changes: ({ clockStep, beat }) => [
      atLeast('clockStep', lateBeats * beat),
      atMost('beat', clockStep / lateBeats),
    ],
  },
  moreThanNothing('beat'),
  moreThanNothing('batch'),
  noLongerThanLease('settle'),
  noLongerThanLease('batch'),
]

function moreThanNothing(setting: 'beat' | 'batch'): Rule {
  return {
    settings: [setting],
    holds: (timing) => timing[setting] > 0,
    message: () => say`"${setting}" must be more than ${'0ms'}`,
    changes: () => [atLeast(setting, profiles.lan[setting])],
  }
}

/** Others take over what a dead node held after a lease: a new node should have come by then. */
function noLongerThanLease(setting: 'settle' | 'batch'): Rule {
  return {
    settings: [setting, 'lease'],
    holds: (timing) => timing[setting] <= timing.lease,
    message: (timing) =>
      say`"${setting}" is ${span(timing[setting])}, longer than "lease" ${span(timing.lease)}; a new node would come too late`,
    changes: (timing) => [atMost(setting, timing.lease), atLeast('lease', timing[setting])],
  }
}

function atLeast(setting: Setting, ms: number): Change {
  return { setting, side: 'least', to: Math.ceil(ms) }
}

function atMost(setting: Setting, ms: number): Change {
  return { setting, side: 'most', to: Math.floor(ms) }
}

function adviceOf(changes: readonly Change[]): Text {
  return changes
    .map(({ setting, side, to }): Text => {
      return side === 'least'
        ? say`make "${setting}" at least ${span(to)}`
        : say`make "${setting}" at most ${span(to)}`
    })
    .reduce((before, next) => say`${before}, or ${next}`)
}

/** As it is written in a configuration. */
function span(ms: number): string {
  return ms !== 0 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
