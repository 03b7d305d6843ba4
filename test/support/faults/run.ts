import { parseArgs } from 'node:util'
import { startRedis } from '../servers/redis.ts'
import { check } from './checker.ts'
import { startCluster } from './cluster.ts'
import { unleash } from './nemesis.ts'
import { keepHistory, summaryOf } from './summary.ts'

/*
 * The nemesis for as long as wanted: `node run.ts --minutes 10 --seed 7 --nodes 3`. Its history is kept where a rule
 * was broken.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    nodes: { type: 'string', default: '3' },
  },
})
const [minutes, seed, nodes] = [Number(values.minutes), Number(values.seed), Number(values.nodes)]
console.log(`faults: --minutes ${minutes} --seed ${seed} --nodes ${nodes}`)

await using redis = await startRedis()
await using cluster = await startCluster({ nodes, redis })
const began = Date.now()
try {
  await unleash(cluster, {
    redis,
    together: 2,
    seed,
    ms: minutes * 60_000,
    tell: (deed) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${deed}`),
  })
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
const history = cluster.history()
const violations = check(history)
for (const { rule, at, text } of violations)
  console.log(`${((at - began) / 1000).toFixed(3).padStart(9)} s  ${rule}  ${text}`)
console.log(`faults: ${summaryOf(history)}; seed ${seed}`)
if (violations.length > 0 || process.exitCode === 1) {
  process.exitCode = 1
  console.log(`faults: the history is in ${await keepHistory(history)}`)
}
