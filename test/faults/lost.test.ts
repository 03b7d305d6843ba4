import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { check } from '../support/faults/checker.ts'
import { type FaultCluster, startCluster } from '../support/faults/cluster.ts'
import { describeWith } from '../support/needs.ts'
import { startRedis } from '../support/servers/redis.ts'
import { until } from '../support/servers/until.ts'

/** The words about a loss of Redis, each once. */
function lossesIn({ world }: FaultCluster): readonly string[] {
  const told = world.deliveries.filter(({ isTaken }) => isTaken).flatMap(({ alarms }) => alarms)
  const losses = told.filter(
    ({ entry, step, key }) => entry === 'cluster' && step === 'coordination' && key === '',
  )
  return [...new Map(losses.map(({ dedupKey, kind }) => [dedupKey, kind])).values()]
}

describeWith(['redis'], 'a Redis that is lost for good', () => {
  test('one alarm for all nodes, others still arrive, nothing is cured; when it is back one word, and cures', {
    timeout: 60_000,
  }, async () => {
    await using redis = await startRedis()
    await using cluster = await startCluster({ redis })
    const { world } = cluster
    const before = world.raise('a')
    await cluster.settled()

    const at = Date.now()
    const end = cluster.begin('redis lost')
    await redis.kill()
    await until('it is told', () => lossesIn(cluster)[0])
    expect(Date.now() - at).toBeLessThan(10_000)
    world.lowerTold()
    const key = world.raise('c', { mends: true })
    await until('another alarm arrives', () => world.untold().every((one) => one.key !== key))
    await sleep(2 * cluster.timing.lease)
    expect(lossesIn(cluster)).toEqual(['raised'])
    expect(world.mendings).toEqual([])

    await redis.restart()
    end()
    cluster.begin('redis empty', null, { lostDataAt: Date.now() })()
    await until('its return is told', () => lossesIn(cluster)[1], { deadline: 20_000 })
    await until('cures are on', () => world.mendings.some((one) => one.key === key), { deadline: 20_000 })
    await cluster.settled()
    expect(lossesIn(cluster)).toEqual(['raised', 'recovered'])
    expect(world.unended().map((one) => one.key)).not.toContain(before)
    expect(check(cluster.history())).toEqual([])
  })
})
