import { expect, test } from 'vitest'
import { coordinationLost, type Outage } from '../../../../src/cluster/story/coordination.ts'
import { manners } from '../../../../src/cluster/story/faults.ts'
import type { CoordinatorFault, CoordinatorPlan } from '../../../../src/core/cluster.ts'
import { english, render } from '../../../../src/core/text.ts'
import { clusterWatch, minute, peer, withPeers } from '../../../support/cluster/watch.ts'

test('a node that cannot reach Redis is told of by the others, and again when it is back', async () => {
  const watch = clusterWatch()
  const { world } = watch
  expect(await watch.tell()).toEqual([])
  withPeers(world, peer('b', { beatAge: 8000 }))
  world.records = { ...world.records, isolated: [{ name: 'b', at: watch.now(), fault: 'unreachable' }] }
  expect(await watch.tell()).toEqual([
    'raised warning coordination/b: b cannot reach the coordinating Redis, while other nodes can: it does not answer',
  ])
  expect(watch.problem('coordination/b').advice).toBe(
    'look at the network between b and Redis: name, route, firewall; the other nodes reach it',
  )
  withPeers(world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning coordination\/b/)])
})

test('the word of a node that is back, or that is older than a minute, counts no more', async () => {
  const watch = clusterWatch()
  const { world } = watch
  world.records = { ...world.records, isolated: [{ name: 'b', at: watch.now(), fault: 'auth' }] }
  expect(await watch.tell()).toEqual([])
  withPeers(world, peer('b', { beatAge: 8000 }))
  await watch.rounds.clock.advance(minute + 1)
  expect(await watch.tell()).toEqual([])
})

test('what Redis dates is compared with its own clock', async () => {
  const watch = clusterWatch()
  const { world } = watch
  const ahead = 5 * minute
  withPeers(world, peer('a', { vitals: { clockOffset: ahead } }), peer('b', { beatAge: 8000 }))
  world.records = { ...world.records, isolated: [{ name: 'b', at: watch.now(), fault: 'slow' }] }
  await watch.tell()
  expect(watch.step('coordination').findings).toEqual([])
})

test('while Redis is lost the step says nothing of nodes', async () => {
  const watch = clusterWatch()
  watch.world.view = { ...watch.world.view, fault: 'loading' }
  await watch.tell()
  const { outcome, reason } = watch.step('coordination')
  expect([outcome, render(reason ?? '')]).toEqual([
    'unknown',
    'the coordinating Redis is lost: it is still loading its data',
  ])
})

const since = Date.parse('2026-11-20T02:13:04Z')
const redis: CoordinatorPlan = {
  kind: 'standalone',
  servers: [{ host: 'redis-1', port: 6379 }],
  master: '',
  database: 0,
  user: undefined,
  password: undefined,
  sentinelUser: undefined,
  sentinelPassword: undefined,
  tls: null,
}
const outage = (more: Partial<Outage> = {}): Outage => ({
  fault: 'unreachable',
  since,
  reachable: ['a', 'b', 'c'],
  missing: [],
  lastEpoch: 1_795_000_000_000,
  redis,
  ...more,
})
const summary = (more?: Partial<Outage>) => render(coordinationLost(outage(more)).summary)

test('a lost Redis: which, since when, why, who is left and what that means', () => {
  const found = coordinationLost(outage())
  expect(found).toMatchObject({ key: '', severity: 'critical', confirm: 1 })
  expect(render(found.summary)).toBe(
    'the coordinating Redis redis-1:6379 is lost since 2026-11-20 02:13:04 UTC: it does not answer; all 3 nodes hear each other: a, b, c',
  )
  expect(render(found.advice)).toBe(
    'look whether the Redis server runs and answers redis-cli ping, and at the network and firewalls on the way to it. Until it is back checks and alarms go on and nothing is cured',
  )
  expect(found.evidence).toEqual({
    fault: 'unreachable',
    since: '2026-11-20T02:13:04.000Z',
    reachable: 'a, b, c',
    missing: '',
    lastEpoch: 1_795_000_000_000,
  })
})

test('who hears whom, however the nodes fell apart', () => {
  expect(summary({ reachable: ['a', 'b'], missing: ['c'] })).toMatch(/; a, b hear each other, but not c$/)
  expect(summary({ reachable: ['a'], missing: ['b', 'c'] })).toMatch(
    /; a hears none of the other nodes: b, c$/,
  )
  expect(summary({ reachable: ['a'], missing: [] })).toMatch(/; this node knows of no other$/)
})

test('Redis by whatever way it is reached', () => {
  const servers = [
    { host: 's-1', port: 26_379 },
    { host: 'fd00::2', port: 26_379 },
  ]
  expect(summary({ redis: { ...redis, kind: 'sentinel', master: 'main', servers } })).toMatch(
    /^the coordinating Redis main \(sentinels s-1:26379, \[fd00::2\]:26379\) is lost since/,
  )
  expect(summary({ redis: { ...redis, kind: 'cluster', servers } })).toMatch(
    /^the coordinating Redis Cluster \(s-1:26379, \[fd00::2\]:26379\) is lost since/,
  )
  expect(summary({ redis: undefined })).toMatch(/^the coordinating Redis is lost since/)
})

test('nodes that share the last epoch name the same spell; without one each names its own', () => {
  expect(coordinationLost(outage({ reachable: ['c'] })).spell).toBe(coordinationLost(outage()).spell)
  expect(coordinationLost(outage({ lastEpoch: 0 }))).not.toHaveProperty('spell')
})

test('each fault has words and advice of its own', () => {
  const faults = Object.keys(manners) as CoordinatorFault[]
  const told = faults.map((fault) => coordinationLost(outage({ fault })))
  const texts = (of: 'summary' | 'advice') => new Set(told.map((found) => render(found[of], english)))
  expect(faults.length).toBe(13)
  expect(texts('summary').size).toBe(13)
  expect(texts('advice').size).toBe(13)
})
