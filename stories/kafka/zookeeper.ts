import { ConnectionFailure, rawProbe, say, z } from 'healthz'
import { step } from './target.ts'
import { addressOf } from './unopened.ts'

/** The ZooKeeper of a Kafka before 4.0 serves its brokers. */
export const zookeeper = step({
  title: say`ZooKeeper has a leader and keeps up`,
  on: (options) => options.zookeeper.length > 0,
  confirm: 2,
  limits: z.strictObject({ outstanding: z.int().min(0).default(10) }),
  async check({ options, limits, signal, note, grade, problem, cannotTell }) {
    const asked = await Promise.all(options.zookeeper.map((place) => ask(place, signal)))
    for (const { address, failure } of asked) {
      if (failure === null) continue
      const { kind, summary, advice } = failure
      problem({ key: address, severity: 'warning', summary, advice, evidence: { address, kind } })
    }
    for (const { address, server } of asked) {
      if (server === null) continue
      const { outstanding } = server
      note(say`${address}: ${server.mode}`)
      if (grade(outstanding, { warning: limits.outstanding }, address) === null) continue
      problem({
        key: `outstanding ${address}`,
        severity: 'warning',
        summary: say`${outstanding} requests wait in ${address} (limit ${limits.outstanding})`,
        advice: say`see whether its disk is slow: it waits for each write of its log`,
        evidence: { address, outstanding },
      })
    }
    const modes = asked.flatMap(({ server }) => server?.mode ?? [])
    const mute = asked.filter(({ server, failure }) => server === null && failure === null)
    // One that does not say may lead.
    if (mute.length === 0 && !modes.some((mode) => mode === 'leader' || mode === 'standalone')) {
      problem({
        severity: 'critical',
        summary: say`no server of ZooKeeper leads, so brokers lose their sessions`,
        advice: say`start the servers that are down; it takes more than half of them`,
        evidence: { servers: asked.length, answered: modes.length },
      })
    }
    const [first] = mute
    if (first !== undefined)
      cannotTell(say`${first.address} does not say how it is; allow it: 4lw.commands.whitelist=srvr`)
  },
})

interface Answer {
  readonly address: string
  readonly server: Server | null
  readonly failure: ConnectionFailure | null
}

export interface Server {
  /** `leader`, `follower`, `standalone` or `observer`. */
  readonly mode: string
  /** Requests that it has taken and not done. */
  readonly outstanding: number
}

async function ask(place: { host: string; port: number }, signal: AbortSignal): Promise<Answer> {
  const address = addressOf(place)
  try {
    const heard = await rawProbe(place, { signal, send: 'srvr\n', listen: 3000 })
    if (heard === '')
      return { address, server: null, failure: new ConnectionFailure('timeout-reply', address) }
    // A member of an ensemble that has lost its majority says this and nothing more.
    if (heard.includes('not currently serving'))
      return { address, server: { mode: 'leaderless', outstanding: 0 }, failure: null }
    // What is not allowed says nothing of the server's health.
    const server = heard.includes('whitelist') ? null : serverIn(heard)
    const isForeign = server === null && !heard.includes('whitelist')
    return { address, server, failure: isForeign ? new ConnectionFailure('protocol', address) : null }
  } catch (error) {
    if (error instanceof ConnectionFailure) return { address, server: null, failure: error }
    throw error
  }
}

/** What `srvr` answers; null where it is something else. */
export function serverIn(heard: string): Server | null {
  const mode = /^Mode: (\w+)/m.exec(heard)?.[1]
  const outstanding = /^Outstanding: (\d+)/m.exec(heard)?.[1]
  return mode === undefined || outstanding === undefined ? null : { mode, outstanding: Number(outstanding) }
}
