import { plain } from '../../core/plain.ts'
import type { EntryStatus, ProblemStatus } from '../../core/status.ts'
import type { RunReport } from './run-report.ts'

/** The report as JUnit XML: a suite an entry, a case a step; what could not be told is an error. */
export function junitReport({ entries, problems, platform, tookSeconds }: RunReport): string {
  const suites = entries.map((entry) => suite(entry, problems))
  const attributes = { name: `healthz ${platform}`, ...sum(suites), time: tookSeconds ?? 0 }
  const body = suites.map(({ xml }) => xml).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', attributes, `\n${body}`)}`
}

interface Suite {
  readonly xml: string
  readonly tests: number
  readonly failures: number
  readonly errors: number
  readonly skipped: number
}

function suite(entry: EntryStatus, problems: readonly ProblemStatus[]): Suite {
  const cases = entry.steps.map((step) => {
    const found = problems.filter((problem) => {
      return problem.entry === entry.name && problem.step === step.step && problem.phase === 'raised'
    })
    const verdict = found.length > 0 ? 'failure' : step.outcome === 'unknown' ? 'error' : step.outcome
    const inner = found.map((problem) => {
      return element(
        'failure',
        { type: problem.severity, message: problem.summary },
        escapeXml(problem.advice),
      )
    })
    if (verdict === 'error') inner.push(element('error', { type: 'unknown', message: step.reason ?? '' }, ''))
    if (verdict === 'skipped') inner.push(element('skipped', { message: step.reason ?? '' }, ''))
    const attributes = { classname: entry.name, name: step.step, time: step.tookSeconds }
    return { verdict, xml: element('testcase', attributes, inner.length === 0 ? '' : `\n${inner.join('')}`) }
  })
  const number = (verdict: string) => cases.filter((one) => one.verdict === verdict).length
  const counts = {
    tests: cases.length,
    failures: number('failure'),
    errors: number('error'),
    skipped: number('skipped'),
  }
  const attributes = { name: entry.name, ...counts, time: entry.tookSeconds, timestamp: entry.at }
  return { ...counts, xml: element('testsuite', attributes, `\n${cases.map(({ xml }) => xml).join('')}`) }
}

function sum(suites: readonly Suite[]) {
  const total = (field: 'tests' | 'failures' | 'errors' | 'skipped') =>
    suites.reduce((all, one) => all + one[field], 0)
  return {
    tests: total('tests'),
    failures: total('failures'),
    errors: total('errors'),
    skipped: total('skipped'),
  }
}

function element(name: string, attributes: Readonly<Record<string, string | number>>, body: string): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
  return `<${name}${written.join('')}>${body}</${name}>\n`
}

/** XML has no way to write most control characters, so they are left out. */
function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  }
  return plain(text).replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
