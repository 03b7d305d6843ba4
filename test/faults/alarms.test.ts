import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { check } from '../support/faults/checker.ts'
import { entries, startCluster } from '../support/faults/cluster.ts'
import { deedsOn } from '../support/faults/deeds.ts'
import { summaryOf } from '../support/faults/summary.ts'
import { describeWith } from '../support/needs.ts'
import { startRedis } from '../support/servers/redis.ts'

describeWith(['redis'], 'alarms that come fast while leaders fail', () => {
  test('500 at 20/s through four faults of the leader: none is missing, none comes under two keys', {
    timeout: 120_000,
  }, async () => {
    await using redis = await startRedis()
    await using cluster = await startCluster({ redis })
    const deeds = deedsOn(cluster, redis)
    const over = new AbortController()
    const raising = (async () => {
      const due = performance.now()
      for (let count = 1; count <= 500; count++) {
        cluster.world.raise(entries[count % entries.length] ?? 'a')
        await sleep(Math.max(0, due + count * 50 - performance.now()))
      }
      over.abort()
    })()
    let faults = 0
    while (faults < 4 || !over.signal.aborted) {
      const leader = cluster.leader()
      if (faults < 4 && leader !== null) {
        await (faults++ % 2 === 0 ? deeds.kill(leader, 1000) : deeds.pause(leader, 3000))
        await cluster.nextLeader(cluster.faults.at(-1)?.from ?? 0)
      }
      await sleep(500)
    }
    await raising
    await cluster.settled()
    const history = cluster.history()
    console.log(summaryOf(history))
    expect(check(history)).toEqual([])
    const words = history.deliveries.flatMap(({ alarms }) => alarms).filter(({ key }) => key.startsWith('k'))
    const keys = new Map(words.map(({ key, dedupKey }) => [key, dedupKey]))
    expect(keys.size).toBe(500)
    expect(new Set(words.map(({ dedupKey }) => dedupKey)).size).toBe(500)
  })
})
