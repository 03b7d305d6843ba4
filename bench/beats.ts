import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { profiles } from '../src/core/cluster-timing.ts'
import { listen } from '../test/support/servers/listening.ts'
import { type Redis, startRedis } from '../test/support/servers/redis.ts'
import { startCluster } from './cluster.ts'
import { type Beats, startSessions } from './sessions.ts'
import { quantile } from './spread.ts'

/**
 * `npm run bench:beats [seconds]`: what heartbeats cost Redis at 3 to 1000 nodes, which this process plays over a
 * hundred connections at most, against as many PINGs a second over the same connections; what it costs to tell one change of
 * the members to all; and all that three real daemons ask of Redis. The time of an idle Redis is taken off.
 */
const seconds = Number(process.argv[2] ?? 15)
const cases = [
  { nodes: 3, profile: 'lan' },
  { nodes: 30, profile: 'lan' },
  { nodes: 300, profile: 'lan' },
  { nodes: 300, profile: 'wide' },
  { nodes: 1000, profile: 'lan' },
  { nodes: 1000, profile: 'wide' },
] as const

console.log(`node ${process.version}; ${seconds} s each\n`)
await simulated()
await inEarnest()

async function simulated(): Promise<void> {
  console.log(
    'nodes  profile  beats/s  failed  us in the script  us of Redis  us of a PING  of one core  answered in ms (p99)  a beat with all members: us    KB  to all: ms  load',
  )
  for (const { nodes, profile } of cases) {
    await using redis = await startRedis()
    const idle = await perSecond(redis, () => sleep(seconds * 500))
    await using sessions = await startSessions(redis.url, nodes, profiles[profile])
    const cost = async (work: () => Promise<number>) => {
      let done = 0
      const cpu = await perSecond(redis, async () => {
        done = await work()
      })
      return { each: ((cpu.used - idle.rate * cpu.took) / done) * 1e6, done, took: cpu.took }
    }
    await redis.cli('config', 'resetstat')
    let beats: Beats = { taken: 0, failed: 0, took: [] }
    const beat = await cost(async () => {
      beats = await sessions.beatFor(seconds * 1000)
      return beats.taken
    })
    const load = loadavg()[0]?.toFixed(1)
    const stats = String(await redis.cli('info', 'commandstats'))
    const inScript = Number(/cmdstat_evalsha:.*usec_per_call=([\d.]+)/.exec(stats)?.[1])
    const ping = await cost(() => sessions.pingFor(seconds * 1000))
    const whole = await cost(() => sessions.beatAnew())
    const rate = (nodes / profiles[profile].beat) * 1000
    console.log(
      [
        String(nodes).padStart(5),
        profile.padEnd(7),
        rate.toFixed(0).padStart(7),
        String(beats.failed).padStart(6),
        inScript.toFixed(1).padStart(16),
        beat.each.toFixed(1).padStart(11),
        ping.each.toFixed(1).padStart(12),
        `${((rate * beat.each) / 1e4).toFixed(2)}%`.padStart(11),
        `${quantile(beats.took, 0.5).toFixed(1)} (${quantile(beats.took, 0.99).toFixed(1)})`.padStart(20),
        whole.each.toFixed(0).padStart(27),
        (sessions.bytes() / 1024).toFixed(0).padStart(5),
        ((whole.each * nodes) / 1000).toFixed(1).padStart(10),
        load,
      ].join('  '),
    )
  }
}

interface Used {
  /** Seconds that the main thread of Redis worked, and that passed. */
  readonly used: number
  readonly took: number
  readonly rate: number
}

async function perSecond(redis: Redis, work: () => Promise<void>): Promise<Used> {
  const [before, start] = [await cpuOf(redis), performance.now()]
  await work()
  const [used, took] = [(await cpuOf(redis)) - before, (performance.now() - start) / 1000]
  return { used, took, rate: used / took }
}

async function cpuOf(redis: Redis): Promise<number> {
  const text = String(await redis.cli('info', 'cpu'))
  const of = (kind: string) => Number(new RegExp(`^used_cpu_${kind}_main_thread:(.*)`, 'm').exec(text)?.[1])
  return of('user') + of('sys')
}

/** What three daemons with ten entries ask, and what that costs Redis and each of them. */
async function inEarnest(): Promise<void> {
  const answering = createServer((_, response) => response.end())
  const target = `http://127.0.0.1:${await listen(answering, 0)}/`
  await using redis = await startRedis()
  const idle = await perSecond(redis, () => sleep(seconds * 500))
  await using cluster = await startCluster({ redis: redis.url, target })
  const client = new Client(redis.port)
  const monitor = await client.monitor()
  const asked = new Map<string, number>()
  try {
    const leader = await cluster.steady()
    await sleep(seconds * 1000)
    const before = cluster.nodes.map(({ pid }) => cpuOfProcess(pid()))
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (source !== 'lua') asked.set(command.toLowerCase(), (asked.get(command.toLowerCase()) ?? 0) + 1)
    })
    const watched = await perSecond(redis, () => sleep(seconds * 2000))
    monitor.disconnect()
    const { used, took } = await perSecond(redis, () => sleep(seconds * 2000))
    const span = watched.took + took
    const daemons = cluster.nodes.map((node, index) => {
      const share = (cpuOfProcess(node.pid()) - (before[index] ?? 0)) / span
      return `${(share * 100).toFixed(1)}%${node === leader ? ' (leader)' : ''}`
    })
    const all = [...asked].toSorted(([, a], [, b]) => b - a)
    const perNode = (number: number) => (number / watched.took / cluster.nodes.length).toFixed(2)
    console.log('\nthree daemons, profile lan, ten entries each 10 s')
    console.log(`  commands a node and second   ${perNode(all.reduce((sum, [, number]) => sum + number, 0))}`)
    console.log(
      `  of them                      ${all.map(([name, number]) => `${name} ${perNode(number)}`).join(', ')}`,
    )
    console.log(`  Redis, of one core           ${((used / took - idle.rate) * 100).toFixed(2)}%`)
    console.log(`  each daemon, of one core     ${daemons.join(', ')}`)
  } finally {
    monitor.disconnect()
    client.disconnect()
    answering.closeAllConnections()
    answering.close()
  }
}

/** Seconds that a process has worked, from proc(5); a hundred ticks are a second. */
function cpuOfProcess(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
