import {
  bytes,
  count,
  milliseconds,
  type RedisConnection,
  type RedisInfo,
  redisPairs,
  say,
  type Text,
} from 'healthz'
import { type Counted, compareEachNode } from './each-node.ts'
import { growth } from './growth.ts'
import { step } from './target.ts'

const codes = ['OOM', 'MISCONF', 'READONLY', 'NOREPLICAS'] as const
type Code = (typeof codes)[number]

interface Sample extends Counted {
  /** How often each was answered; null where the server does not count. */
  readonly refused: Readonly<Record<Code, number>> | null
}

/** Clients that write get no errors. */
export const writesRefused = step({
  title: say`no writes are refused`,
  check: compareEachNode(sampleOf, async ({ node, before, after, apart, note, problem, cannotTell }) => {
    const full = fullness(await node.info('memory', 'replication'))
    for (const code of codes) {
      const refused = growth(before.refused?.[code] ?? 0, after.refused?.[code] ?? 0)
      const isFull = code === 'OOM' && full !== null
      if (refused === 0 && !isFull) continue
      const times = say`${count(refused, 'command')} refused in ${milliseconds(apart)}`
      problem({
        key: code,
        severity: code === 'READONLY' ? 'warning' : 'critical',
        summary: isFull ? full : say`${times}: ${reasons[code].because}`,
        advice: reasons[code].advice,
        evidence: { code, refused },
      })
    }
    if (after.refused === null && full === null)
      cannotTell(say`this server does not count the errors it gives (Redis 6.2 and later do)`)
    note(say`looked at the last ${milliseconds(apart)}`)
  }),
})

const reasons: Readonly<Record<Code, { readonly because: Text; readonly advice: Text }>> = {
  OOM: {
    because: say`the memory was full (OOM)`,
    advice: say`free memory or raise maxmemory; until then clients cannot write`,
  },
  MISCONF: {
    because: say`it cannot save to its disk (MISCONF)`,
    advice: say`mend what the step "persistence" tells: a full disk, missing rights or too little memory for a fork`,
  },
  READONLY: {
    because: say`clients write to a replica (READONLY)`,
    advice: say`point these clients at the master`,
  },
  NOREPLICAS: {
    because: say`too few replicas follow it (NOREPLICAS)`,
    advice: say`bring the replicas back; min-replicas-to-write says how many it wants`,
  },
}

function fullness(info: RedisInfo): Text | null {
  const max = info.numberOr('maxmemory', 0)
  const used = info.number('used_memory') - info.numberOr('mem_not_counted_for_evict', 0)
  const isHeeded = info.textOr('role', 'master') === 'master'
  const isFull = max > 0 && used >= max && info.textOr('maxmemory_policy', '') === 'noeviction'
  if (!isFull || !isHeeded) return null
  return say`the memory is full (${bytes(used)} of ${bytes(max)}) and nothing may be evicted: writes are refused`
}

async function sampleOf(node: RedisConnection): Promise<Sample> {
  const [server, errors, commands] = await Promise.all([
    node.info('server'),
    node.info('errorstats'),
    node.info('commandstats'),
  ])
  const run = server.text('run_id')
  // A version that counts no errors has an empty section, as has a server that gave none: rejected calls came with it.
  const counts = commands
    .startingWith('cmdstat_')
    .some(([, value]) => redisPairs(value).has('rejected_calls'))
  if (errors.isEmpty && !counts) return { run, refused: null }
  const refused = (code: Code) => Number(redisPairs(errors.textOr(`errorstat_${code}`, '')).get('count') ?? 0)
  // The watchman's own PINGs are refused with MISCONF too, and are no writes.
  const pings = Number(redisPairs(commands.textOr('cmdstat_ping', '')).get('rejected_calls') ?? 0)
  const misconf = Math.max(0, refused('MISCONF') - pings)
  return {
    run,
    refused: {
      OOM: refused('OOM'),
      MISCONF: misconf,
      READONLY: refused('READONLY'),
      NOREPLICAS: refused('NOREPLICAS'),
    },
  }
}
