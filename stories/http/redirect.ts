import { count, type Problem, say, z } from 'healthz'
import type { Hop, Page } from './fetch-page.ts'
import { shown, step } from './target.ts'

/** Redirects lead somewhere, and nowhere else than they should. */
export const redirect = step({
  title: say`redirects lead where they should`,
  limits: z.strictObject({
    hosts: z
      .array(z.string().min(1))
      .meta({ description: 'other hosts that it may redirect to' })
      .default([]),
  }),
  async check({ target, options, limits, signal, note, problem }) {
    const page = await target.page(signal)
    const [first] = page.hops
    if (first === undefined && page.end === 'page') return
    note(say`${count(page.hops.length, 'redirect')}, the last to ${shown(page.hops.at(-1)?.to ?? page.url)}`)
    const ending = endOf(page, options.redirects)
    if (ending !== null) problem(ending)
    const home = options.url.url.hostname
    for (const { from, to } of page.hops) {
      if (from.protocol === 'https:' && to.protocol === 'http:') {
        problem({
          key: 'plain',
          severity: 'warning',
          summary: say`${shown(from)} redirects to ${shown(to)}, which is not encrypted`,
          advice: say`let it redirect to https; behind a proxy the application must be told that its clients use https (X-Forwarded-Proto)`,
          evidence: { from: shown(from), to: shown(to) },
        })
        break
      }
    }
    const foreign = page.hops.find(
      ({ to }) => !isHome(to.hostname, home) && !limits.hosts.includes(to.hostname),
    )
    if (foreign !== undefined) problem(strayed(foreign))
  },
})

/** `www.` before a name is no other host. */
const isHome = (host: string, home: string) => bare(host) === bare(home)

const bare = (host: string) => host.replace(/^www\./, '')

function endOf({ end, hops, url }: Page, most: number): Problem | null {
  const way = [...hops.slice(0, 1).map(({ from }) => from), ...hops.map(({ to }) => to)].map(shown)
  const evidence = { chain: way.join(' ') }
  if (end === 'loop') {
    return {
      key: 'end',
      severity: 'critical',
      summary: say`${shown(url)} redirects in a circle: ${way}`,
      advice: say`look at the rules that redirect here: often a login that is not kept, or https that a proxy hides from the application`,
      evidence,
    }
  }
  if (end === 'too-many') {
    return {
      key: 'end',
      severity: 'warning',
      summary: say`after ${count(most, 'redirect')} there is still no page: ${way}`,
      advice: say`let it redirect straight to the page, or raise "redirects" of this entry`,
      evidence,
    }
  }
  if (end === 'page') return null
  return {
    key: 'end',
    severity: 'warning',
    summary: say`${shown(url)} redirects to what is no address of a page`,
    advice: say`look at the header Location of its answer`,
    evidence,
  }
}

function strayed({ from, to }: Hop): Problem {
  return {
    key: 'foreign',
    severity: 'warning',
    summary: say`${shown(from)} redirects to another host: ${shown(to)}`,
    advice: say`if that is intended, name ${to.hostname} under "hosts" of this step`,
    evidence: { from: shown(from), to: shown(to) },
  }
}
