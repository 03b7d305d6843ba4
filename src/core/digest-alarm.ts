import { type Alarm, type AlarmKind, isEnd } from './alarm.ts'
import type { DigestAlarm } from './channel.ts'
import type { ProblemState, Trial } from './judge.ts'
import { problemId, type Severity } from './outcome.ts'
import { milliseconds, type Said, say, type Text, time } from './text.ts'

/** Renders a text in the reader's language. */
export type Tell = (text: Text) => string

/** One alarm as its readers read it; `at` is the wall time at which they are told, in milliseconds. */
export function digestAlarm(alarm: Alarm, at: number, tell: Tell): DigestAlarm {
  const { kind, problem } = alarm
  const path = `${alarm.entry}/${problemId(problem.step, problem.key)}`
  return {
    dedupKey: alarm.dedupKey,
    occurrence: alarm.occurrence,
    kind,
    word: tell(words[kind]),
    isOver: isEnd(alarm),
    entry: alarm.entry,
    title: tell(alarm.title),
    step: problem.step,
    key: problem.key,
    where: tell(say`${path} (${alarm.title})`),
    severity: problem.severity,
    severityWord: tell(severityWords[problem.severity]),
    summary: tell(problem.summary),
    advice: tell(problem.advice),
    since: new Date(problem.since).toISOString(),
    at: new Date(alarm.at).toISOString(),
    lastedSeconds: Math.round(lasted(alarm) / 1000),
    when: tell(whenOf(alarm, at)),
    tried: problem.tried.map((trial) => tell(triedText(trial))),
    offer: isEnd(alarm) ? null : offerOf(problem, tell),
    affected: isEnd(alarm) ? [] : (alarm.affected ?? []),
    evidence: problem.evidence,
    tags: alarm.tags,
  }
}

export const severityWords: Readonly<Record<Severity | 'ok', Text>> = {
  critical: say`CRITICAL`,
  warning: say`WARNING`,
  ok: say`OK`,
}

const words: Readonly<Record<AlarmKind, Text>> = {
  raised: say`RAISED`,
  worsened: say`WORSE`,
  reminded: say`STILL`,
  healed: say`HEALED`,
  recovered: say`RECOVERED`,
  withdrawn: say`NO LONGER WATCHED`,
}

/** From the first sight of the problem until its end, or until the alarm where it has none; milliseconds. */
function lasted({ kind, at, problem }: Alarm): number {
  const until = kind === 'recovered' || kind === 'healed' ? (problem.goodSince ?? at) : at
  return Math.max(0, until - problem.since)
}

/** An alarm that reaches people later than this after it arose says so: its "for 12 min" is no longer true. */
const lateAfter = 120_000

function whenOf(alarm: Alarm, now: number): Text {
  const spell = alarm.problem.flapping ? say`${spellOf(alarm)}; it comes and goes` : spellOf(alarm)
  const late = now - alarm.at
  return late < lateAfter ? spell : say`${spell} (told ${milliseconds(late)} late)`
}

function spellOf(alarm: Alarm): Said {
  const { since, seenAt } = alarm.problem
  const length = lasted(alarm)
  switch (alarm.kind) {
    case 'healed':
      return say`healed after ${milliseconds(length)}; it began ${time(since)}`
    case 'recovered':
      return say`recovered after ${milliseconds(length)}: from ${time(since)} to ${time(since + length)}`
    case 'withdrawn':
      return say`it began ${time(since)} and was last seen ${time(seenAt)}`
    default:
      return length < 1000
        ? say`since ${time(since)}`
        : say`since ${time(since)}, for ${milliseconds(length)}`
  }
}

function triedText(trial: Trial): Text {
  const sentence = trialText(trial)
  return trial.detail === null ? sentence : say`${sentence}: ${trial.detail}`
}

function trialText({ title, at, took, result }: Trial): Said {
  switch (result) {
    case 'healed':
      return say`${title} (${time(at)}): healed in ${milliseconds(took)}`
    case 'still-there':
      return say`${title} (${time(at)}): did not help, took ${milliseconds(took)}`
    case 'failed':
      return say`${title} (${time(at)}): failed after ${milliseconds(took)}`
    case 'rehearsed':
      return say`${title} (${time(at)}): only rehearsed, nothing was changed`
    case 'held-back':
      return say`${title} (${time(at)}): held back`
  }
}

/** The cure that waits for a person, unless it ran all the same: then there is nothing left to consent to. */
function offerOf({ cure, tried }: ProblemState, tell: Tell): string | null {
  if (cure?.consent !== 'ask') return null
  const title = tell(cure.title)
  const ran = tried.filter(({ result }) => result !== 'rehearsed' && result !== 'held-back')
  return ran.some((trial) => tell(trial.title) === title) ? null : title
}
