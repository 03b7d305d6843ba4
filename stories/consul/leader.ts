import { count, say, z } from 'healthz'
import { step } from './target.ts'

/** The servers have a leader, and none of them is missing. */
export const leader = step({
  title: say`the servers have a leader, and all are there`,
  async check({ target, options, signal, note, problem }) {
    const { status, body } = await target.ask('/v1/status/leader', signal)
    // An agent without servers, and servers without a leader, answer with a status of 500.
    const leader = status === 200 ? leaderIn(body) : ''
    if (leader === '') {
      problem({
        key: 'none',
        severity: 'critical',
        summary: say`the cluster of ${target.address} has no leader: nothing can be written, and nobody registers`,
        advice: say`start the servers that are missing; more than half of them must see each other (port 8300)`,
        evidence: { status },
      })
      return
    }
    const peers = await target.get('/v1/status/peers', z.array(z.string()), 'operator:read', signal)
    note(say`${leader} leads ${count(peers.length, 'server')}`)
    const { expectServers } = options
    if (expectServers === undefined || peers.length >= expectServers) return
    problem({
      key: 'few',
      severity: 'warning',
      summary: say`only ${peers.length} of ${count(expectServers, 'server')} are in the cluster: ${peers}`,
      advice: say`start the missing server, or have it join again: consul join`,
      evidence: { peers: peers.join(', '), expected: expectServers },
    })
  },
})

function leaderIn(body: string): string {
  try {
    const leader: unknown = JSON.parse(body)
    return typeof leader === 'string' ? leader : ''
  } catch {
    return ''
  }
}
