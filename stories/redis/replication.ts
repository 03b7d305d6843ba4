import {
  bytes,
  count,
  duration,
  milliseconds,
  type Problem,
  type RedisConnection,
  type RedisInfo,
  redisPairs,
  say,
  z,
} from 'healthz'
import { step } from './target.ts'

const limitsShape = z.strictObject({
  linkDown: duration('30s'),
  syncMax: duration('15m'),
  lagMiB: z.number().positive().default(10),
  lag: duration('10s'),
  grace: duration('2m'),
})
type Limits = z.output<typeof limitsShape>

/** Every replica has its master, and none is far behind. */
export const replication = step({
  title: say`every replica follows its master closely`,
  limits: limitsShape,
  async check({ target, options, limits, note, problem }) {
    const { reached } = await target.nodes()
    // In a cluster the step about it counts them.
    const expected = options.mode === 'cluster' ? 0 : (options.expectReplicas ?? 0)
    for (const node of reached) {
      const info = await node.info('replication', 'server')
      const uptime = info.number('uptime_in_seconds') * 1000
      if (uptime < limits.grace) {
        note(say`${node.address} started ${milliseconds(uptime)} ago: its replication is not judged yet`)
        continue
      }
      const found =
        info.text('role') === 'slave'
          ? linkOf(node, info, uptime, limits)
          : followersOf(node, info, expected, limits)
      note(found.note)
      for (const each of found.problems) problem(each)
    }
  },
})

interface Found {
  readonly note: ReturnType<typeof say>
  readonly problems: readonly Problem[]
}

function linkOf({ address }: RedisConnection, info: RedisInfo, uptime: number, limits: Limits): Found {
  const master = `${info.text('master_host')}:${info.text('master_port')}`
  if (info.text('master_link_status') === 'up')
    return { note: say`${address} follows ${master}`, problems: [] }
  const downFor = info.numberOr('master_link_down_since_seconds', -1)
  // Redis says -1 where the link was never up.
  const lasted = downFor < 0 ? uptime : downFor * 1000
  const evidence = { node: address, master, lostForMs: lasted }
  if (info.textOr('master_sync_in_progress', '0') === '1') {
    const slow: Problem = {
      key: `sync/${address}`,
      severity: 'warning',
      summary: say`${address} has been copying the data of its master ${master} for ${milliseconds(lasted)} (limit ${milliseconds(limits.syncMax)})`,
      advice: say`look at the network between them, and in the master's log for a copy that starts again and again (client-output-buffer-limit)`,
      evidence,
    }
    return {
      note: say`${address} copies the data of its master ${master}`,
      problems: lasted > limits.syncMax ? [slow] : [],
    }
  }
  const lost: Problem = {
    key: `link/${address}`,
    severity: 'critical',
    summary: say`${address} has had no link to its master ${master} for ${milliseconds(lasted)} (limit ${milliseconds(limits.linkDown)})`,
    advice: say`look whether the master is up, at the network between them, and at masterauth in the replica's configuration`,
    evidence,
  }
  return {
    note: say`${address} has no link to its master ${master}`,
    problems: lasted > limits.linkDown ? [lost] : [],
  }
}

function followersOf({ address }: RedisConnection, info: RedisInfo, expected: number, limits: Limits): Found {
  const replicas = replicasOf(info).filter((replica) => replica.isOnline)
  const missing: Problem = {
    key: `missing/${address}`,
    severity: 'warning',
    summary: say`${address} has ${replicas.length} of ${expected} replicas`,
    advice: say`start the missing replicas; the logs of both sides say why one cannot follow`,
    evidence: { node: address, replicas: replicas.length, expected },
  }
  const offset = info.numberOr('master_repl_offset', 0)
  return {
    note: say`${address} is a master with ${count(replicas.length, 'replica')}`,
    problems: [
      ...(replicas.length < expected ? [missing] : []),
      ...replicas.flatMap((replica) => lagOf(replica, offset, limits)),
    ],
  }
}

interface Replica {
  readonly address: string
  readonly isOnline: boolean
  readonly offset: number
  /** Milliseconds since it was last heard of. */
  readonly silentFor: number
}

function lagOf(replica: Replica, masterOffset: number, limits: Limits): Problem[] {
  const behind = Math.max(0, masterOffset - replica.offset)
  const isBehind = behind > limits.lagMiB * 1_048_576
  if (!isBehind && replica.silentFor <= limits.lag) return []
  return [
    {
      key: `lag/${replica.address}`,
      severity: 'warning',
      confirm: 3,
      summary: isBehind
        ? say`the replica ${replica.address} is ${bytes(behind)} behind its master (limit ${bytes(limits.lagMiB * 1_048_576)})`
        : say`the replica ${replica.address} has said nothing to its master for ${milliseconds(replica.silentFor)} (limit ${milliseconds(limits.lag)})`,
      advice: say`look at the network between them, at slow commands on the replica, at repl-backlog-size and client-output-buffer-limit`,
      evidence: { replica: replica.address, behindBytes: behind, silentForMs: replica.silentFor },
    },
  ]
}

/** `slave0:ip=127.0.0.1,port=7002,state=online,offset=42,lag=0`. */
function replicasOf(info: RedisInfo): readonly Replica[] {
  return info.startingWith('slave').flatMap(([name, value]) => {
    if (!/^slave\d+$/.test(name)) return []
    const fields = redisPairs(value)
    return [
      {
        address: `${fields.get('ip')}:${fields.get('port')}`,
        isOnline: fields.get('state') === 'online',
        offset: Number(fields.get('offset') ?? 0),
        silentFor: Number(fields.get('lag') ?? 0) * 1000,
      },
    ]
  })
}
