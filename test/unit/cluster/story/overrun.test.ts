import { expect, test } from 'vitest'
import { clusterWatch, minute, peer, planned, record, withPeers } from '../../../support/cluster/watch.ts'

const entries = [
  planned('db'),
  planned('cache'),
  planned('host', { scope: 'node', pace: { every: 30_000, jitter: 0 } }),
]

const overran = (watch: ReturnType<typeof clusterWatch>, overruns: number, key = 'b@1') =>
  withPeers(watch.world, peer('b', { key, vitals: { overruns } }))

test('a node that leaves out rounds is told of with its slow entries, until it keeps up', async () => {
  const watch = clusterWatch(entries)
  watch.world.owners = { db: 'b', cache: 'c' }
  watch.world.entries = [
    record('db', watch.now(), 70_000),
    record('cache', watch.now(), 90_000),
    record('host@b', watch.now(), 40_000),
  ]
  overran(watch, 40)
  expect(await watch.tell()).toEqual([])
  overran(watch, 41)
  await watch.tell()
  overran(watch, 43)
  expect(await watch.tell()).toEqual([
    'raised warning overrun/b: b left out 3 rounds within 10 min, because the ones before had not ended',
  ])
  expect(watch.problem('overrun/b').advice).toBe(
    'these take longer than their interval: db (1 min 10 s of 1 min), host (40 s of 30 s); find out why, or tell them less often ("every")',
  )
  const heard = await watch.tellFor(11 * minute)
  expect(heard.filter((line) => line.includes('overrun'))).toEqual([
    expect.stringMatching(/^recovered warning overrun\/b/),
  ])
})

test('without an entry that is slow by itself, the load of the host is looked at', async () => {
  const watch = clusterWatch(entries)
  await watch.tell()
  overran(watch, 5)
  await watch.tell()
  expect(watch.problem('overrun/b').advice).toBe(
    'look at the load of host-b; tell its entries less often ("every"), or add a node',
  )
})

test('two rounds left out are fine, and so is what a node counted before it was seen or restarted', async () => {
  const watch = clusterWatch()
  await watch.tell()
  overran(watch, 2)
  expect(await watch.tellFor(11 * minute)).toEqual([])
  overran(watch, 4)
  expect(await watch.tell()).toEqual([])
  overran(watch, 500, 'b@2')
  expect(await watch.tell()).toEqual([])
})
