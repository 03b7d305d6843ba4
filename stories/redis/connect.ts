import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  ConnectionFailure,
  duration,
  milliseconds,
  type RedisConnection,
  type RedisInfo,
  say,
  seconds,
  type Text,
  z,
} from 'healthz'
import { type NodeContext, onEachNode } from './each-node.ts'
import { killScript } from './kill-script.ts'
import { slowestCommand } from './slow-log.ts'
import { step } from './target.ts'

const limits = z.strictObject({ ping: duration('100ms'), grace: duration('2m') })

/** The entry's server, or each node of a cluster, answers a PING quickly, and the other nodes can be reached. */
export const connect = step({
  title: say`every node answers, and quickly`,
  limits,
  cures: [{ title: say`end the script that blocks it (SCRIPT KILL)`, consent: 'ask' }],
  async check(context) {
    const { target, options, problem, cannotTell } = context
    // Of a cluster the step about it tells who cannot be reached.
    const unreached = options.mode === 'cluster' ? [] : (await target.nodes()).unreached
    for (const failure of unreached)
      if (!isUntold(failure)) problem({ key: failure.address, ...told(failure) })
    await onEachNode(answers)(context)
    const unsure = unreached.find(isUntold)
    if (unsure !== undefined) cannotTell(unsure.summary)
  },
})

async function answers(each: NodeContext<z.output<typeof limits>>): Promise<void> {
  const { node, limits, note, problem, cannotTell } = each
  const answer = await pingTime(node)
  if (answer instanceof ConnectionFailure) {
    if (isUntold(answer)) return cannotTell(answer.summary)
    problem({ ...told(answer), ...(answer.kind === 'busy' && { resolve: killScript(node) }) })
    return
  }
  const info = await node.info('server', 'stats')
  const uptime = info.number('uptime_in_seconds')
  note(say`${nameOf(info)}, up for ${seconds(uptime)}, answers a PING in ${milliseconds(answer)}`)
  if (answer <= limits.ping || uptime * 1000 < limits.grace) return
  problem({
    key: 'slow',
    severity: 'warning',
    summary: say`a PING takes ${milliseconds(answer)} (limit ${milliseconds(limits.ping)})`,
    advice: say`look for slow commands (SLOWLOG GET), for long forks and for swapping; redis-cli --intrinsic-latency tells what its host adds`,
    evidence: {
      pingMs: Math.round(answer),
      lastForkMs: info.numberOr('latest_fork_usec', 0) / 1000,
      ...(await slowestCommand(node)),
    },
  })
}

const pings = 5

/** The median of a few round trips in milliseconds, without what this process itself lost; or why there is none. */
async function pingTime(node: RedisConnection): Promise<number | ConnectionFailure> {
  const times: number[] = []
  while (times.length < pings) {
    const asleep = performance.now()
    await nextTurn()
    const sent = performance.now()
    const refusal = await refusalOf(node.call('PING'))
    // A server that cannot save, or lost its master, refuses even a PING: that is an answer, and told by other steps.
    if (refusal !== null && refusal.kind !== 'read-only') return refusal
    times.push(Math.max(0, performance.now() - sent - (sent - asleep)))
  }
  return times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0
}

async function refusalOf(call: Promise<unknown>): Promise<ConnectionFailure | null> {
  try {
    await call
    return null
  } catch (error) {
    if (error instanceof ConnectionFailure) return error
    throw error
  }
}

/** A missing right, or trouble of this host, says nothing about a node. */
const isUntold = ({ kind }: ConnectionFailure) => kind === 'not-allowed' || kind === 'local'

function told({ severity, summary, advice, kind, address }: ConnectionFailure) {
  return { severity, summary, advice, evidence: { kind, address } }
}

function nameOf(info: RedisInfo): Text {
  const valkey = info.textOr('valkey_version', null)
  return valkey === null ? say`Redis ${info.text('redis_version')}` : say`Valkey ${valkey}`
}
