import { count, duration, milliseconds, percent, type RedisConnection, say, type Text, z } from 'healthz'
import { type Crowd, largestCrowd, listClientsIfAllowed } from './client-list.ts'
import { closeIdle } from './close-idle.ts'
import { type Counted, compareEachNode } from './each-node.ts'
import { growth } from './growth.ts'
import { step } from './target.ts'

interface Sample extends Counted {
  readonly rejected: number
  readonly connected: number
  readonly blocked: number
}

/** There is room for more clients, and none was refused. */
export const clients = step({
  title: say`there is room for more clients`,
  limits: z.strictObject({
    warnPct: z.number().default(80),
    critPct: z.number().default(95),
    idleNames: z
      .array(z.string().min(1))
      .meta({
        description: 'names (CLIENT SETNAME) of clients whose idle connections may be closed on consent',
      })
      .default([]),
    idle: duration('1h'),
  }),
  cures: [
    {
      title: say`close connections of clients named in idleNames that have been idle for long (CLIENT KILL)`,
      consent: 'ask',
    },
  ],
  check: compareEachNode(sampleOf, async ({ node, limits, before, after, apart, note, problem, grade }) => {
    const max = await placesOf(node)
    const share = (after.connected / max) * 100
    note(
      say`${after.connected} of ${max} connections used, ${count(after.blocked, 'client')} waiting in a blocking command`,
    )

    const rejected = growth(before.rejected, after.rejected)
    const severity = grade(share, { warning: limits.warnPct, critical: limits.critPct }, 'full')
    if (rejected === 0 && severity === null) return
    const found = await listClientsIfAllowed(node)
    const crowd = found === null ? null : largestCrowd(found, limits.idle)
    const advice = adviceOf(crowd, limits.idle)
    const evidence = { connected: after.connected, max, rejected, ...(crowd !== null && evidenceOf(crowd)) }
    if (rejected > 0) {
      problem({
        key: 'rejected',
        severity: 'critical',
        confirm: 1,
        summary: say`${count(rejected, 'connection')} refused in ${milliseconds(apart)}, because all ${max} were in use`,
        advice,
        evidence,
      })
    }
    if (severity !== null) {
      const limit = percent(severity === 'critical' ? limits.critPct : limits.warnPct)
      const closing = limits.idleNames.length > 0 && found !== null
      problem({
        key: 'full',
        severity,
        summary: say`${after.connected} of ${max} connections are in use (${percent(share)}, limit ${limit})`,
        advice,
        evidence,
        ...(closing && { resolve: closeIdle(node, limits.idleNames, limits.idle) }),
      })
    }
  }),
})

async function placesOf(node: RedisConnection): Promise<number> {
  const said = (await node.info('clients')).numberOr('maxclients', null)
  if (said !== null) return said
  // Redis 6 and older keep it in the configuration only.
  const reply = await node.call('CONFIG', 'GET', 'maxclients')
  return Number(Array.isArray(reply) ? reply[1] : Number.NaN)
}

async function sampleOf(node: RedisConnection): Promise<Sample> {
  const info = await node.info('server', 'stats', 'clients')
  return {
    run: info.text('run_id'),
    rejected: info.number('rejected_connections'),
    // The connections between the nodes of a cluster take places too.
    connected: info.number('connected_clients') + info.numberOr('cluster_connections', 0),
    blocked: info.numberOr('blocked_clients', 0),
  }
}

function adviceOf(crowd: Crowd | null, idle: number): Text {
  if (crowd === null)
    return say`find the client that opens connections and does not close them (CLIENT LIST), or raise maxclients`
  const who = crowd.name === '' ? say`clients without a name` : say`clients named ${crowd.name}`
  return say`most are held by ${who} on ${crowd.host}: ${crowd.connections}, of which ${crowd.idle} idle for more than ${milliseconds(idle)}; let them close what they do not use, or raise maxclients`
}

function evidenceOf({ host, name, connections, idle }: Crowd) {
  return { crowdHost: host, crowdName: name, crowdConnections: connections, crowdIdle: idle }
}
