import { expect, test } from 'vitest'
import { digestOf } from '../../../src/core/digest.ts'
import { CoordinatorLost } from '../../../src/core/redis-link.ts'
import { english } from '../../../src/core/text.ts'
import { clusterWatch, minute, peer, planned, withoutPeer, withPeers } from '../../support/cluster/watch.ts'

test('the leader tells a cluster in good health in a few figures, and raises nothing', async () => {
  const watch = clusterWatch()
  expect(await watch.tellFor(20 * minute)).toEqual([])
  const kept = await watch.rounds.store.entry('cluster')
  const told = Object.entries(kept?.state.steps ?? {})
  expect(told.map(([name, { outcome }]) => `${name} ${outcome}`)).toEqual([
    'coordination ok',
    'leader ok',
    'member-lost ok',
    'flapping ok',
    'heartbeat-lag ok',
    'clock-skew ok',
    'config-drift ok',
    'version-drift ok',
    'stale-results ok',
    'overrun ok',
    'probe-load ok',
  ])
  expect(watch.entry).toMatchObject({
    ...{ name: 'cluster', kind: 'cluster', scope: 'cluster', spread: 'leader' },
    ...{ resolve: { mode: 'off' }, pace: { every: 10_000, jitter: 0 } },
  })
})

test('all steps of one look share one question about the cluster', async () => {
  const watch = clusterWatch()
  let asked = 0
  const { records } = watch.world
  Object.defineProperty(watch.world, 'records', {
    get() {
      asked++
      return records
    },
  })
  await watch.tell()
  expect(asked).toBe(1)
  await watch.tell()
  expect(asked).toBe(2)
})

test('a question that fails is asked anew, and what was raised stays as it was', async () => {
  const watch = clusterWatch()
  withoutPeer(watch.world, 'b')
  watch.world.records = { ...watch.world.records, lost: [{ name: 'b', at: watch.now(), host: 'host-b' }] }
  await watch.rounds.clock.advance(12_000)
  expect(await watch.tell()).toHaveLength(1)
  watch.world.failure = new CoordinatorLost('slow', 'no answer')
  expect(await watch.tell()).toEqual([])
  expect(watch.step('member-lost').outcome).toBe('unknown')
  watch.world.failure = null
  withPeers(watch.world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning member-lost\/b/)])
})

test('a rolling deploy of all nodes raises nothing', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const watch = clusterWatch([planned('host', { scope: 'node', pace: { every: 3_600_000, jitter: 0 } })])
  withPeers(watch.world, ...names.map((name) => peer(name)))
  const heard = await watch.tellFor(minute)
  for (const [index, name] of names.entries()) {
    const { records } = watch.world
    withoutPeer(watch.world, name)
    const next = { name: names[(index + 1) % names.length] ?? '', epoch: 1001 + index, at: watch.now() }
    watch.world.records = { ...watch.world.records, leader: next, changes: [...records.changes, next] }
    watch.world.view = { ...watch.world.view, leader: next }
    heard.push(...(await watch.tellFor(20_000)))
    const more = { config: 'decaf0', version: '1.1.0', key: `${name}@2`, vitals: { uptime: 5000 } }
    withPeers(watch.world, peer(name, { ...more, state: 'joining' }))
    heard.push(...(await watch.tellFor(10_000)))
    withPeers(watch.world, peer(name, more))
    heard.push(...(await watch.tellFor(30_000)))
  }
  expect([...heard, ...(await watch.tellFor(15 * minute))]).toEqual([])
})

test('its alarm reads well at night', async () => {
  const watch = clusterWatch()
  withoutPeer(watch.world, 'b')
  watch.world.records = { ...watch.world.records, lost: [{ name: 'b', at: watch.now(), host: 'host-b' }] }
  await watch.rounds.clock.advance(12_000)
  await watch.tell()
  const alarms = (await watch.rounds.store.alarms(10)).map(({ alarm }) => alarm)
  const digest = digestOf(alarms, { platform: 'shop', node: 'a', language: english, at: watch.now() })
  expect(digest.subject).toBe(
    '[healthz shop] WARNING 1 raised: cluster: b on host-b vanished 14 s ago without taking leave: 2 of 3 nodes are left',
  )
  expect(digest.text).toBe(`\
RAISED WARNING cluster: b on host-b vanished 14 s ago without taking leave: 2 of 3 nodes are left
  since 2026-11-20 03:00:12 UTC, for 2 s
  what to do: look whether host-b is up and healthz runs on it, and whether it reaches the coordinating Redis; what it tells about itself is not told until then. A node that was taken away for good is forgotten after a while
  details: node=b host=host-b lastHeard=2026-11-20T03:00:00.000Z left=2 known=3
  where: cluster/member-lost/b (The cluster of watchmen)

healthz of shop, node a, 2026-11-20 03:00:14 UTC`)
})
