import { expect, test } from 'vitest'
import { clusterWatch, lan, peer, withoutPeer, withPeers } from '../../../support/cluster/watch.ts'

const gone = (watch: ReturnType<typeof clusterWatch>, ...names: readonly string[]) => {
  for (const name of names) withoutPeer(watch.world, name)
  const at = watch.now()
  const lost = names.map((name) => ({ name, at, host: `host-${name}` }))
  watch.world.records = { ...watch.world.records, lost: [...watch.world.records.lost, ...lost] }
}

test('a node that vanished is told of, with its host, and when it is back', async () => {
  const watch = clusterWatch()
  gone(watch, 'b')
  await watch.rounds.clock.advance(12_000)
  expect(await watch.tell()).toEqual([
    'raised warning member-lost/b: b on host-b vanished 14 s ago without taking leave: 2 of 3 nodes are left',
  ])
  expect(watch.problem('member-lost/b').advice).toBe(
    'look whether host-b is up and healthz runs on it, and whether it reaches the coordinating Redis; what it tells about itself is not told until then. A node that was taken away for good is forgotten after a while',
  )
  withPeers(watch.world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning member-lost\/b/)])
})

test('one that is forgotten is over too', async () => {
  const watch = clusterWatch()
  gone(watch, 'b')
  await watch.rounds.clock.advance(12_000)
  await watch.tell()
  watch.world.records = { ...watch.world.records, lost: [] }
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning member-lost\/b/)])
})

test('with fewer than half left it is critical', async () => {
  const watch = clusterWatch()
  gone(watch, 'b', 'c')
  await watch.rounds.clock.advance(12_000)
  expect(await watch.tell()).toEqual([
    expect.stringMatching(/^raised critical member-lost\/b: .* 1 of 3 nodes are left$/),
    expect.stringMatching(/^raised critical member-lost\/c: /),
  ])
})

test('a node killed and started again within two leases is not missed', async () => {
  const watch = clusterWatch()
  gone(watch, 'b')
  await watch.rounds.clock.advance(2 * lan.lease - 3000)
  expect(await watch.tell()).toEqual([])
  withPeers(watch.world, peer('b', { key: 'b@2' }))
  expect(await watch.tellFor(60_000)).toEqual([])
})

test('nor is one that took leave', async () => {
  const watch = clusterWatch()
  await watch.tell()
  withoutPeer(watch.world, 'b')
  expect(await watch.tellFor(60_000)).toEqual([])
})

test('one that says it cannot reach Redis is not called vanished as well', async () => {
  const watch = clusterWatch()
  gone(watch, 'b')
  await watch.rounds.clock.advance(12_000)
  watch.world.records = {
    ...watch.world.records,
    isolated: [{ name: 'b', at: watch.now(), fault: 'unreachable' }],
  }
  expect(await watch.tell()).toEqual([expect.stringMatching(/^raised warning coordination\/b/)])
})
