import { expect, test } from 'vitest'
import { check } from '../support/faults/checker.ts'
import { startCluster } from '../support/faults/cluster.ts'
import { unleash } from '../support/faults/nemesis.ts'
import { keepHistory, summaryOf } from '../support/faults/summary.ts'
import { describeWith } from '../support/needs.ts'
import { startRedis } from '../support/servers/redis.ts'

describeWith(['redis'], 'a nemesis', () => {
  test('random faults break no rule', { timeout: 180_000 }, async () => {
    const seed = Number(process.env['HEALTHZ_TEST_SEED'] ?? Date.now() % 1_000_000)
    const deeds: string[] = []
    await using redis = await startRedis()
    await using cluster = await startCluster({ redis })
    try {
      const tell = (deed: string) => void deeds.push(deed)
      await unleash(cluster, { redis, seed, ms: 25_000, together: 2, tell })
    } finally {
      console.log(`nemesis: HEALTHZ_TEST_SEED=${seed}: ${summaryOf(cluster.history())}\n${deeds.join(', ')}`)
    }
    const violations = check(cluster.history())
    if (violations.length > 0)
      console.log(`nemesis: the history is in ${await keepHistory(cluster.history())}`)
    expect(violations).toEqual([])
  })
})
