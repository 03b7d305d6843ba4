import { createHash } from 'node:crypto'
import type { Alarm, AlarmKind } from './alarm.ts'
import type { Digest, DigestAlarm, DigestLabels } from './channel.ts'
import { digestAlarm, severityWords, type Tell } from './digest-alarm.ts'
import { oneLine, plain } from './plain.ts'
import { type Language, render, type Said, say, time } from './text.ts'

export interface DigestContext {
  /** The platform's name. */
  readonly platform: string
  /** The name of the node that tells. */
  readonly node: string
  readonly language: Language
  /** When it is told, wall milliseconds. */
  readonly at: number
}

/**
 * What one message tells of these alarms, in the reader's language. It merges and drops nothing: each alarm is in it
 * once, whatever the order they came in. What cannot be printed is taken out.
 */
export function digestOf(alarms: readonly Alarm[], context: DigestContext): Digest {
  const { language, at } = context
  const tell: Tell = (text) => plain(render(text, language))
  const told = alarms.toSorted(byUrgency).map((alarm) => digestAlarm(alarm, at, tell))
  const platform = oneLine(context.platform)
  const node = oneLine(context.node)
  const severity = worstOf(told)
  const headline = headlineOf(told, severity, tell)
  const labels = labelsIn(tell)
  const footer = tell(say`healthz of ${platform}, node ${node}, ${time(at)}`)
  return {
    key: keyOf(alarms),
    subject: oneLine(`[healthz ${platform}] ${withCause(headline, told[0], tell)}`, mostOfSubject),
    headline,
    text: [...told.map((alarm) => paragraphOf(alarm, labels, tell)), footer].join('\n\n'),
    severity,
    platform,
    node,
    language: language.code,
    at: new Date(at).toISOString(),
    alarms: told,
    labels,
    footer,
  }
}

/** The urgent first; among equals what began first. The last word is the dedup key's, so that the order is total. */
function byUrgency(a: Alarm, b: Alarm): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (a.problem.since !== b.problem.since) return a.problem.since - b.problem.since
  return Number(a.dedupKey > b.dedupKey) - Number(a.dedupKey < b.dedupKey)
}

function rank({ kind, problem }: Alarm): number {
  const base = ranks[kind]
  return problem.severity === 'critical' ? base : base + 0.5
}

const ranks: Readonly<Record<AlarmKind, number>> = {
  raised: 0,
  worsened: 0,
  reminded: 1,
  healed: 2,
  recovered: 3,
  withdrawn: 4,
}

function worstOf(told: readonly DigestAlarm[]): Digest['severity'] {
  const ended = new Set(told.filter(({ isOver }) => isOver).map(({ occurrence }) => occurrence))
  const open = told.filter(({ occurrence }) => !ended.has(occurrence))
  if (open.some(({ severity }) => severity === 'critical')) return 'critical'
  return open.length > 0 ? 'warning' : 'ok'
}

/** `CRITICAL 2 raised, 1 recovered`. What is merely no longer watched is not called OK. */
function headlineOf(told: readonly DigestAlarm[], severity: Digest['severity'], tell: Tell): string {
  const tally = tallies.flatMap(([kind, text]) => {
    const number = told.filter((alarm) => alarm.kind === kind).length
    return number === 0 ? [] : [text(number)]
  })
  const list = tell({ template: '{0}', values: [tally] })
  const isSaid = told.some(({ kind }) => kind !== 'withdrawn')
  return isSaid ? `${tell(severityWords[severity])} ${list}` : list
}

const tallies: readonly (readonly [kind: AlarmKind, text: (number: number) => Said])[] = [
  ['raised', (number) => say`${number} raised`],
  ['worsened', (number) => say`${number} worse`],
  ['reminded', (number) => say`${number} still there`],
  ['healed', (number) => say`${number} healed`],
  ['recovered', (number) => say`${number} recovered`],
  ['withdrawn', (number) => say`${number} no longer watched`],
]

/** As much as a list of mails or the screen of a phone shows of a subject. */
const mostOfSubject = 120

/** The first alarm stands for all. */
function withCause(headline: string, first: DigestAlarm | undefined, tell: Tell): string {
  if (first === undefined) return headline
  return tell(say`${headline}: ${say`${first.entry}: ${first.summary}`}`)
}

/** The same for the same alarms in whatever order. */
function keyOf(alarms: readonly Alarm[]): string {
  const keys = alarms.map(({ dedupKey }) => dedupKey).sort()
  return createHash('sha256').update(keys.join(' ')).digest('hex').slice(0, 24)
}

function labelsIn(tell: Tell): DigestLabels {
  return {
    tried: tell(say`tried`),
    advice: tell(say`what to do`),
    offer: tell(say`waits for your consent`),
    affected: tell(say`also affected`),
    details: tell(say`details`),
    where: tell(say`where`),
  }
}

/** What is broken, since when, what was tried, what to do; of what is over only the first three. */
function paragraphOf(alarm: DigestAlarm, labels: DigestLabels, tell: Tell): string {
  const line = (label: string, value: string) => tell(say`${label}: ${value}`)
  const badge = alarm.isOver ? alarm.word : `${alarm.word} ${alarm.severityWord}`
  const details = Object.entries(alarm.evidence).map(([name, value]) => `${name}=${value}`)
  const lines = [
    alarm.when,
    ...alarm.tried.map((trial) => line(labels.tried, trial)),
    ...(alarm.affected.length === 0 ? [] : [line(labels.affected, tell(say`${alarm.affected}`))]),
    ...(alarm.isOver || alarm.advice === '' ? [] : [line(labels.advice, alarm.advice)]),
    ...(alarm.offer === null ? [] : [line(labels.offer, alarm.offer)]),
    ...(alarm.isOver || details.length === 0 ? [] : [line(labels.details, plain(details.join(' ')))]),
    line(labels.where, alarm.where),
  ]
  return [`${badge} ${line(alarm.entry, alarm.summary)}`, ...lines.map((one) => `  ${one}`)]
    .map((one) => one.replaceAll('\n', '\n    '))
    .join('\n')
}
