import { XMLParser } from 'fast-xml-parser'

/** The verdict of each step in a report, as `entry/step outcome`, in order; `text` tells only those that are not ok. */
export type Verdicts = readonly string[]

/** What the JSON report holds, as far as tests ask. */
export interface JsonReport {
  readonly verdict: string
  readonly exitCode: number
  readonly tookSeconds: number
  readonly problems: readonly {
    readonly entry: string
    readonly step: string
    readonly severity: string
    readonly summary: string
    readonly advice: string
    readonly evidence: Readonly<Record<string, unknown>>
  }[]
  readonly entries: readonly {
    readonly name: string
    readonly steps: readonly {
      readonly step: string
      readonly outcome: string
      readonly reason: string | null
    }[]
  }[]
}

export function fromJson(report: string): Verdicts {
  const { entries }: JsonReport = JSON.parse(report)
  return entries.flatMap(({ name, steps }) => steps.map(({ step, outcome }) => `${name}/${step} ${outcome}`))
}

export function fromTap(report: string): Verdicts {
  const [version, plan, ...lines] = report.trimEnd().split('\n')
  const points = lines.filter((line) => /^(not )?ok /.test(line))
  if (version !== 'TAP version 14' || plan !== `1..${points.length}`) throw new Error('this is no TAP')
  return points.map((line) => {
    const [, bad, name, directive] = /^(not )?ok \d+ - (\S+: \S+)(?: # (SKIP|TODO))?/.exec(line) ?? []
    const words: Record<string, string> = { SKIP: 'skipped', TODO: 'unknown' }
    const outcome = words[directive ?? ''] ?? (bad === undefined ? 'ok' : 'problem')
    return `${name?.replace(': ', '/')} ${outcome}`
  })
}

/** Throws where the counts of a suite are not those of its cases. */
export function fromJunit(report: string): Verdicts {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => ['testsuite', 'testcase', 'failure'].includes(name),
  })
  const { testsuites }: Junit = parser.parse(report)
  return testsuites.testsuite.flatMap(({ testcase, tests, failures }) => {
    const verdicts = testcase.map((one) => `${one.classname}/${one.name} ${outcomeOf(one)}`)
    const failed = verdicts.filter((verdict) => verdict.endsWith(' problem'))
    if (Number(tests) !== verdicts.length || Number(failures) !== failed.length)
      throw new Error(`a suite says ${tests} tests and ${failures} failures`)
    return verdicts
  })
}

interface Junit {
  readonly testsuites: {
    readonly testsuite: readonly {
      readonly tests: string
      readonly failures: string
      readonly testcase: readonly JunitCase[]
    }[]
  }
}

interface JunitCase {
  readonly classname: string
  readonly name: string
  readonly failure?: unknown
  readonly error?: unknown
  readonly skipped?: unknown
}

function outcomeOf({ failure, error, skipped }: JunitCase): string {
  if (failure !== undefined) return 'problem'
  if (error !== undefined) return 'unknown'
  return skipped === undefined ? 'ok' : 'skipped'
}

/** The problems of the text report as `entry/step problem`, its unknown steps as `entry/step unknown`. */
export function fromText(report: string): Verdicts {
  const found = report.matchAll(/^(✗ CRITICAL|▲ WARNING|\? UNKNOWN) {2}([\w-]+\/[\w-]+)/gm)
  return [...found].map(([, mark, step]) => `${step} ${mark?.startsWith('?') ? 'unknown' : 'problem'}`)
}
