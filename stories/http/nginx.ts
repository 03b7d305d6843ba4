import { count, type Pair, percent, say, z } from 'healthz'
import { step } from './target.ts'

/** What nginx counts since it was started or reloaded, and its connections of this moment. */
export interface StubStatus {
  readonly active: number
  readonly accepts: number
  readonly handled: number
  readonly requests: number
  readonly reading: number
  readonly writing: number
  readonly waiting: number
}

/** nginx takes every connection that comes, as its `stub_status` tells. */
export const nginx = step({
  title: say`nginx turns no connection away`,
  on: ({ preset }) => preset === 'nginx',
  limits: z.strictObject({
    warnDroppedPct: z.number().min(0).default(0).describe('connections turned away, of all that came'),
    critDroppedPct: z.number().min(0).default(5),
    warnActive: z.int().min(1).optional().describe('connections at a time; left out: any number'),
    critActive: z.int().min(1).optional(),
  }),
  // What was turned away is a fact.
  confirm: 1,
  async check({ target, limits, signal, compare, grade, note, problem, cannotTell }) {
    const pair = await compare(
      async () =>
        parseStubStatus((await target.page(signal)).response.body) ??
        cannotTell(
          say`the page is not that of stub_status: let a location of nginx say stub_status, and name it in "url"`,
        ),
      (before, after) => before.accepts <= after.accepts && before.requests <= after.requests,
    )
    const { active, reading, writing, waiting } = pair.after
    const [came, dropped] = turnedAway(pair)
    const perSecond = ((pair.after.requests - pair.before.requests) * 1000) / pair.apart
    note(
      say`${count(active, 'connection')} (${reading} reading, ${writing} writing, ${waiting} waiting), ${perSecond.toFixed(1)} requests a second`,
    )
    const share = came === 0 ? 0 : (dropped / came) * 100
    if (dropped > 0 && share > limits.warnDroppedPct) {
      problem({
        key: 'dropped',
        severity: share > limits.critDroppedPct ? 'critical' : 'warning',
        summary: say`nginx turned away ${dropped} of ${count(came, 'connection')} since the last look (${percent(share)}, limit ${percent(limits.warnDroppedPct)})`,
        advice: say`its workers have no connections left: raise worker_connections (and worker_rlimit_nofile), or find out who holds so many; its error log says "worker_connections are not enough"`,
        evidence: { dropped, came, active },
      })
    }
    const severity = grade(active, { warning: limits.warnActive, critical: limits.critActive }, 'active')
    if (severity === null) return
    problem({
      key: 'active',
      severity,
      summary: say`nginx holds ${count(active, 'connection')} (limit ${(severity === 'critical' ? limits.critActive : limits.warnActive) ?? 0})`,
      advice: say`see whether the applications behind it are slow (many are writing), or clients keep connections open (many are waiting: keepalive_timeout)`,
      evidence: { active, reading, writing, waiting },
    })
  },
})

/** How many connections came, and how many of them were turned away. */
function turnedAway({ before, after }: Pair<StubStatus>): readonly [came: number, dropped: number] {
  const came = after.accepts - before.accepts
  return [came, Math.max(0, came - (after.handled - before.handled))]
}

/** What `stub_status` says; null where it is another page. */
export function parseStubStatus(text: string): StubStatus | null {
  const found =
    /^Active connections: (\d+)\s+server accepts handled requests\s+(\d+) (\d+) (\d+)\s+Reading: (\d+) Writing: (\d+) Waiting: (\d+)/.exec(
      text,
    )
  if (found === null) return null
  const [active = 0, accepts = 0, handled = 0, requests = 0, reading = 0, writing = 0, waiting = 0] = found
    .slice(1)
    .map(Number)
  return { active, accepts, handled, requests, reading, writing, waiting }
}
