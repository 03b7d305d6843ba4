import { styleText } from 'node:util'
import type { EntryStatus, ProblemStatus, StepStatus } from '../../core/status.ts'
import {
  count,
  type Language,
  milliseconds,
  render,
  type Said,
  say,
  seconds,
  type Text,
} from '../../core/text.ts'
import type { HealedStatus, RunReport } from './run-report.ts'
import { cut, displayWidth, padEnd, padStart, wrap } from './typography.ts'

export interface TextStyle {
  readonly colour: boolean
  /** Columns to wrap at. */
  readonly width: number
  readonly language: Language
}

/** A report for a person: what is wrong first, with its figures, since when, what was tried and what to do. */
export function textReport(report: RunReport, style: TextStyle): string {
  const page = pageOf(style)
  const blocks = [
    ...report.problems.map((problem) => problemBlock(problem, report, page)),
    ...report.healed.map((healed) => healedBlock(healed, page)),
    ...unknownBlock(report, page),
    fineBlock(report.entries, page),
    totals(report, page),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

interface Page {
  readonly tell: (text: Text) => string
  readonly paint: (format: Parameters<typeof styleText>[0], text: string) => string
  readonly width: number
}

function pageOf({ colour, width, language }: TextStyle): Page {
  return {
    tell: (text) => render(text, language),
    paint: (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text),
    width: Math.max(50, width),
  }
}

function problemBlock(problem: ProblemStatus, report: RunReport, page: Page): string {
  const { tell, paint } = page
  const isCritical = problem.severity === 'critical'
  const mark = isCritical
    ? paint(['bold', 'red'], `✗ ${tell(say`CRITICAL`)}`)
    : paint(['bold', 'yellow'], `▲ ${tell(say`WARNING`)}`)
  const where = [problem.entry, problem.step, problem.key].filter((part) => part !== '').join('/')
  const lasted = Date.parse(report.at) + (report.tookSeconds ?? 0) * 1000 - Date.parse(problem.since)
  const since = tell(say`since ${clockTime(problem.since)}, for ${milliseconds(Math.max(0, lasted))}`)
  return [
    `${mark}  ${paint('bold', where)}${problem.phase === 'suspected' ? ` ${tell(say`(not confirmed yet)`)}` : ''}`,
    ...indented(problem.summary, page),
    ...indented(paint('dim', problem.flapping ? tell(say`${since}; it comes and goes`) : since), page),
    ...problem.tried.slice(-3).flatMap((trial) => labelled(labels.tried, trialLine(trial, page), page)),
    ...offer(problem, page),
    ...(problem.cause === null
      ? labelled(labels.advice, problem.advice, page)
      : labelled(labels.cause, tell(say`${problem.cause} is broken; people hear of that alone`), page)),
  ].join('\n')
}

function trialLine(trial: ProblemStatus['tried'][number], { tell }: Page): string {
  const took = seconds(trial.tookSeconds)
  const detail = trial.detail ?? ''
  switch (trial.result) {
    case 'healed':
      return tell(say`${trial.title}: healed in ${took}`)
    case 'still-there':
      return tell(say`${trial.title}: it did not help (${took})`)
    case 'failed':
      return tell(say`${trial.title}: it failed (${took}): ${detail}`)
    case 'rehearsed':
      return tell(say`${trial.title}: would be done now; this is a rehearsal`)
    case 'held-back':
      return tell(say`${trial.title}: ${detail}`)
  }
}

function offer({ cure, tried, entry, step, key }: ProblemStatus, page: Page): string[] {
  if (cure === null || cure.consent !== 'ask' || tried.length > 0) return []
  const id = [entry, step, key].filter((part) => part !== '').join('/')
  return labelled(
    labels.cure,
    page.tell(say`${cure.title}: waits for your consent; healthz resolve approve ${id}`),
    page,
  )
}

function healedBlock({ entry, step, key, summary, tried, tookSeconds }: HealedStatus, page: Page): string {
  const { tell, paint } = page
  const where = [entry, step, key].filter((part) => part !== '').join('/')
  return [
    `${paint(['bold', 'green'], `✚ ${tell(say`HEALED`)}`)}  ${paint('bold', where)}`,
    ...indented(summary, page),
    ...labelled(labels.tried, tell(say`${tried}: healed in ${seconds(tookSeconds)}`), page),
  ].join('\n')
}

/** What could not be told; not again where lasting blindness is a problem already. */
function unknownBlock({ entries, problems }: RunReport, page: Page): string[] {
  const { tell, paint } = page
  const isTold = (entry: string, step: string) =>
    problems.some((one) => one.entry === entry && one.step === step)
  const lines = entries.flatMap(({ name, steps }) => {
    return steps
      .filter(({ step, outcome }) => outcome === 'unknown' && !isTold(name, step))
      .flatMap(({ step, reason }) => {
        const mark = paint('magenta', `? ${tell(say`UNKNOWN`)}`)
        return [`${mark}  ${paint('bold', `${name}/${step}`)}`, ...indented(reason ?? '', page)]
      })
  })
  return lines.length === 0 ? [] : [lines.join('\n')]
}

/** One line for each entry without a problem: its name, its steps, and the figures that its steps noted. */
function fineBlock(entries: readonly EntryStatus[], page: Page): string {
  const fine = entries.filter(({ verdict }) => verdict === 'ok' || verdict === 'unknown')
  const widest = Math.max(0, ...fine.map(({ name }) => displayWidth(name)))
  return fine.map((entry) => fineLine(entry, widest, page)).join('\n')
}

function fineLine({ name, verdict, steps, tookSeconds }: EntryStatus, widest: number, page: Page): string {
  const { tell, paint, width } = page
  const mark = verdict === 'ok' ? paint('green', '✓') : paint('magenta', '?')
  const well = steps.filter(({ outcome }) => outcome === 'ok').length
  const figures = [
    padStart(tell(say`${count(well, 'step')}`), 8),
    padStart(tell(say`${seconds(tookSeconds)}`), 7),
  ]
  const head = `${mark} ${padEnd(name, widest)}  ${figures.join(' ')}`
  const notes = notesOf(steps).join(' · ')
  const room = width - displayWidth(head) - 2
  return `${head}  ${paint('dim', cut(notes, room))}`
}

function notesOf(steps: readonly StepStatus[]): string[] {
  return steps.filter(({ outcome }) => outcome === 'ok').flatMap(({ notes }) => notes.slice(0, 1))
}

function totals(
  { entries, problems, healed, tookSeconds, platform, node, at }: RunReport,
  { tell, paint }: Page,
): string {
  const raised = problems.filter(({ phase }) => phase === 'raised')
  const steps = entries.flatMap((entry) => entry.steps)
  const graded = (severity: string) => raised.filter((problem) => problem.severity === severity).length
  const parts: [number, Said][] = [
    [graded('critical'), say`${graded('critical')} critical`],
    [graded('warning'), say`${count(graded('warning'), 'warning')}`],
    [healed.length, say`${healed.length} healed`],
    [countOf(steps, 'unknown'), say`${countOf(steps, 'unknown')} unknown`],
    [countOf(steps, 'skipped'), say`${countOf(steps, 'skipped')} not asked`],
    [countOf(steps, 'ok'), say`${countOf(steps, 'ok')} ok`],
  ]
  const words = tell(say`${parts.flatMap(([amount, text]) => (amount > 0 ? [text] : []))}`)
  const place = tell(say`${platform}, node ${node}, ${clockTime(at)}`)
  const format = raised.length > 0 ? 'red' : countOf(steps, 'unknown') > 0 ? 'magenta' : 'green'
  const number = count(entries.length, 'story', 'stories')
  const scope =
    tookSeconds === null
      ? say`${number}, as last seen · ${place}`
      : say`${number} in ${seconds(tookSeconds)} · ${place}`
  return `${paint(['bold', format], words)}\n${paint('dim', tell(scope))}`
}

const countOf = (steps: readonly StepStatus[], outcome: string) =>
  steps.filter((step) => step.outcome === outcome).length

const clockTime = (iso: string) => `${iso.slice(0, 19).replace('T', ' ')} UTC`

const margin = '    '

function indented(text: string, page: Page): string[] {
  return wrap(text, page.width - margin.length).map((line) => margin + line)
}

const labels = { tried: say`tried`, cause: say`cause`, cure: say`cure`, advice: say`to do` }

function labelled(label: Text, text: string, page: Page): string[] {
  const width = Math.max(...Object.values(labels).map((one) => displayWidth(page.tell(one)))) + 2
  const lines = wrap(text, page.width - margin.length - width)
  const padded = padEnd(page.tell(label), width)
  return lines.map(
    (line, index) => margin + (index === 0 ? page.paint('cyan', padded) : ' '.repeat(width)) + line,
  )
}
