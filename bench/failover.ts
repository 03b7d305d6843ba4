import { createServer } from 'node:http'
import { loadavg } from 'node:os'
import { Redis as Client } from 'ioredis'
import { profiles } from '../src/core/cluster-timing.ts'
import { listen } from '../test/support/servers/listening.ts'
import { startRedis } from '../test/support/servers/redis.ts'
import { cutOff, type Fault, type Outcome, redisEmptied, signalled } from './faults.ts'
import { sentinelFailover } from './sentinel-fault.ts'
import { quantile } from './spread.ts'

/**
 * `npm run bench:failover [runs]`: how long nobody leads three real nodes on the default profile, from the fault until
 * another says that it leads, against what follows from the timing, and what other programs promise. SIGTERM is
 * measured alone, beside the same three steps over bare connections; then the other faults side by side, one cluster
 * each, and whatever was killed is started again between two rounds. A round of both takes half a minute.
 */
const runs = Number(process.argv[2] ?? 10)
const { beat, valid, lease } = profiles.lan

const answering = createServer((_, response) => response.end())
const target = `http://127.0.0.1:${await listen(answering, 0)}/`
console.log(`node ${process.version}, beat ${beat}, valid ${valid}, lease ${lease} ms; ${runs} runs each\n`)
try {
  await inRounds([() => signalled('SIGTERM', target)])
  await bareHandOver()
  await inRounds([
    () => signalled('SIGKILL', target),
    () => signalled('SIGSTOP', target),
    () => cutOff(target),
    () => redisEmptied(target),
    () => sentinelFailover(target),
  ])
  tellOthers()
} finally {
  answering.closeAllConnections()
  answering.close()
}

/** Each round hits all clusters at the same time, when all are well, and mends them one by one. */
async function inRounds(starts: readonly (() => Promise<Fault>)[]): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const faults: Fault[] = []
  for (const start of starts) faults.push(stack.use(await start()))
  const outcomes = new Map(faults.map((fault) => [fault, [] as Outcome[]]))
  const loads: number[] = []
  for (let run = 0; run < runs; run++) {
    for (const fault of faults) await fault.ready()
    loads.push(loadavg()[0] ?? Number.NaN)
    const struck = await Promise.allSettled(faults.map((fault) => fault.strike()))
    for (const [index, fault] of faults.entries()) {
      const result = struck[index]
      if (result?.status === 'fulfilled') outcomes.get(fault)?.push(result.value)
      else console.log(`${fault.name}, run ${run}: ${result?.reason}`)
      await fault.mend()
    }
  }
  console.log(
    `${'from the fault, ms'.padEnd(44)}   n    min  median    p99    max   (load ${spanOf(loads, 1)})`,
  )
  for (const [fault, all] of outcomes) tell(fault, all)
  console.log()
}

function tell({ name, bound }: Fault, all: readonly Outcome[]): void {
  const [kept, changed] = [all.filter(({ isKept }) => isKept), all.filter(({ isKept }) => !isKept)]
  const numbers = (pick: (one: Outcome) => number | null, from = all) =>
    from.map(pick).filter((one) => one !== null)
  row(
    `${name}: another leads`,
    numbers(({ led }) => led, changed),
  )
  row(
    `${name}: the same leads on`,
    numbers(({ led }) => led, kept),
  )
  row(
    '  the old leader has ended',
    numbers(({ left }) => left),
  )
  row(
    '  nobody leads',
    numbers(({ led, left }) => (left === null ? null : led - left), changed),
  )
  row(
    '  Redis serves again',
    numbers(({ served }) => served),
  )
  console.log(`  by the timing ${bound}`)
}

function row(what: string, figures: readonly number[], digits = 0): void {
  if (figures.length === 0) return
  const [min, median, p99, max] = [0, 0.5, 0.99, 1].map((share) => quantile(figures, share).toFixed(digits))
  console.log(
    [what.padEnd(44), String(figures.length).padStart(3), min?.padStart(6), median?.padStart(7)].join(' '),
    [p99?.padStart(6), max?.padStart(6)].join(' '),
  )
}

/** The least that a hand-over over Redis takes: one says so, another hears it and takes the seat. */
async function bareHandOver(): Promise<void> {
  await using redis = await startRedis()
  const [giver, hearer, taker] = [new Client(redis.port), new Client(redis.port), new Client(redis.port)]
  try {
    await hearer.subscribe('wake')
    await taker.set('seat', 'a')
    const figures: number[] = []
    for (let run = 0; run < runs; run++) {
      const { promise, resolve } = Promise.withResolvers<void>()
      hearer.once('message', () => {
        void taker.set('seat', 'b', 'NX').then(() => resolve())
      })
      const start = performance.now()
      await giver.del('seat')
      await giver.publish('wake', 'vacant')
      await promise
      figures.push(performance.now() - start)
    }
    row('bare connections: DEL, PUBLISH, SET NX', figures, 1)
    console.log()
  } finally {
    for (const client of [giver, hearer, taker]) client.disconnect()
  }
}

/** What others promise by their defaults, in milliseconds; read in their sources, not measured. */
function tellOthers(): void {
  console.log('others, by their defaults')
  // LeaseDuration 15 s; RetryPeriod 2 s, which JitterFactor 1.2 makes 2 to 4.4 s.
  console.log(
    '  client-go tools/leaderelection: kill -9 15000 after the last renewal was seen, and 2000 to 4400 to retry',
  )
  console.log('  the same with ReleaseOnCancel: SIGTERM up to 4400, at the next retry')
  // _SESSION_TTL_ in alarm_backends/management/base/service_discovery.py; -i in management/commands/healthz.py.
  console.log('  bk-monitor healthz: a session of 300000, looked at every 600000; nothing is handed over')
}

function spanOf(figures: readonly number[], digits: number): string {
  return `${Math.min(...figures).toFixed(digits)}-${Math.max(...figures).toFixed(digits)}`
}
