import {
  CannotTell,
  ConnectionFailure,
  milliseconds,
  type Problem,
  parseMetrics,
  say,
  type Text,
  tellSome,
} from 'healthz'
import { fetchFrom, refusedLogin } from './api.ts'
import { type Page, pageName } from './options.ts'
import { step } from './target.ts'
import { written } from './values.ts'

/** The counters of one page. */
interface Scraped {
  /** When its process was started, if it tells. */
  readonly started: number | null
  readonly counters: Readonly<Record<string, number>>
}

/** What came of asking for all pages. */
interface Round {
  /** Those that were read, by name. */
  readonly pages: Readonly<Record<string, Scraped>>
  readonly lost: readonly Problem[]
  readonly untold: readonly Text[]
}

/** Counters that should stand still do not increase, such as those of data that was dropped. */
export const scrapeIncrease = step({
  title: say`counters of losses do not increase`,
  on: ({ scrape }) => scrape.length > 0,
  async check({ options, signal, problem, compare }) {
    let latest: Round = { pages: {}, lost: [], untold: [] }
    const { before, after, apart } = await compare(async () => {
      latest = await scrapeAll(options.scrape, signal)
      return latest.pages
    })
    const { lost, untold } = latest
    const grown = options.scrape.flatMap((page) => {
      const name = pageName(page)
      return increases(page, before[name], after[name], apart)
    })
    tellSome([...lost, ...grown], problem)
    if (untold.length > 0) throw new CannotTell(say`${untold}`)
  },
})

async function scrapeAll(scrape: readonly Page[], signal: AbortSignal): Promise<Round> {
  const pages: Record<string, Scraped> = {}
  const [lost, untold]: [Problem[], Text[]] = [[], []]
  await Promise.all(
    scrape.map(async (page) => {
      try {
        pages[pageName(page)] = await scrapeOne(page, signal)
      } catch (error) {
        if (error instanceof CannotTell) untold.push(error.reason)
        else if (!(error instanceof ConnectionFailure)) throw error
        else if (error.kind === 'local' || error.kind === 'not-allowed') untold.push(error.summary)
        else lost.push(unreached(page, error))
      }
    }),
  )
  return { pages, lost, untold }
}

function unreached(page: Page, { severity, summary, advice, kind, address }: ConnectionFailure): Problem {
  return { key: pageName(page), severity, summary, advice, evidence: { kind, address } }
}

async function scrapeOne(page: Page, signal: AbortSignal): Promise<Scraped> {
  const name = pageName(page)
  const { status, body, isTruncated } = await fetchFrom(page, '', {
    signal,
    timeout: 4000,
    maxBody: 16_777_216,
  })
  if (status === 401 || status === 403) throw refusedLogin(page, status)
  if (status !== 200) throw new CannotTell(say`${name} answered with HTTP status ${String(status)}`)
  if (isTruncated) throw new CannotTell(say`the page of ${name} is too long to be read`)
  const metrics = parseMetrics(body)
  if (metrics === null) throw new CannotTell(say`the page of ${name} is no page of metrics`)
  const counters = metrics.filter(
    (metric) => metric.name.includes(page.match) && Number.isFinite(metric.value),
  )
  if (counters.length === 0)
    throw new CannotTell(say`${name} has no counter with "${page.match}" in its name`)
  if (counters.length > most)
    throw new CannotTell(
      say`${name} has more than ${most} counters with "${page.match}" in their names; narrow it`,
    )
  return {
    started: metrics.find((metric) => metric.name === 'process_start_time_seconds')?.value ?? null,
    counters: Object.fromEntries(
      counters.map(({ name, labels, value }) => [written({ __name__: name, ...labels }), value]),
    ),
  }
}

/** How many counters of one page are remembered. */
const most = 500

/** A counter that is new or fell, and any of a process that was started again, is where counting begins. */
function increases(
  page: Page,
  before: Scraped | undefined,
  after: Scraped | undefined,
  apart: number,
): readonly Problem[] {
  if (before === undefined || after === undefined || before.started !== after.started) return []
  return Object.entries(after.counters).flatMap(([counter, value]): Problem[] => {
    const grown = value - (before.counters[counter] ?? value)
    if (grown <= page.delta) return []
    return [
      {
        key: `${pageName(page)} ${counter}`,
        severity: page.critical.some((prefix) => counter.startsWith(prefix)) ? 'critical' : 'warning',
        confirm: 1,
        summary: say`${counter} of ${pageName(page)} grew by ${grown} to ${value} in ${milliseconds(apart)} (limit ${page.delta})`,
        advice: adviceOn(counter),
        evidence: { counter, before: value - grown, after: value },
      },
    ]
  })
}

function adviceOn(counter: string): Text {
  if (/backend/.test(counter))
    return say`data is lost on its way into the storage: see whether the storage behind it takes writes`
  if (/processor/.test(counter))
    return say`data is lost while it is worked on: see in its log what it could not understand`
  if (/frontend/.test(counter))
    return say`data is lost as it comes in: see whether the source sends what is expected, and not too much of it`
  return say`see in the log of what gives this page why the counter grew`
}
