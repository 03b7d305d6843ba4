import { expect, test } from 'vitest'
import type { Vitals } from '../../../../src/core/cluster.ts'
import { clusterWatch, minute, peer, withoutPeer, withPeers } from '../../../support/cluster/watch.ts'

/** `ahead`: by how much each node's clock is ahead of that of Redis. */
const after = async (ahead: Readonly<Record<string, number>>, more: Partial<Vitals> = {}, ms = minute) => {
  const watch = clusterWatch()
  for (const name of ['a', 'b', 'c']) withoutPeer(watch.world, name)
  for (const [name, by] of Object.entries(ahead))
    withPeers(watch.world, peer(name, { vitals: { clockOffset: -by, ...more } }))
  const heard = await watch.tellFor(ms)
  return { watch, heard: heard.filter((line) => line.includes('clock-skew')) }
}

test('the odd one out is named, with where its clock is, until it agrees again', async () => {
  const { watch, heard } = await after({ a: 10, b: 810, c: -20 })
  expect(heard).toEqual([
    'raised warning clock-skew/b: the clock of b is 805 ms ahead of those of the others (limit 500 ms)',
  ])
  expect(watch.problem('clock-skew/b')).toMatchObject({
    advice:
      'let host-b follow a time server (chronyc tracking or timedatectl shows whether it does); the times in alarms and the cron times of this node are wrong by as much',
    evidence: { node: 'b', host: 'host-b', aheadMs: 805 },
  })
  withPeers(watch.world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning clock-skew\/b/)])
})

test('more than a third of a lease is critical', async () => {
  expect((await after({ a: 0, b: 0, c: -2000 })).heard).toEqual([
    'raised critical clock-skew/c: the clock of c is 2 s behind those of the others (limit 1.7 s)',
  ])
})

test('where the nodes agree it is the clock of Redis that is off', async () => {
  expect((await after({ a: 3000, b: 3010, c: 2990 })).heard).toEqual([
    'raised warning clock-skew: the clock of the coordinating Redis is 3 s behind those of the nodes (limit 500 ms)',
  ])
})

test('of two clocks nobody can say which is wrong', async () => {
  expect((await after({ a: 900 })).heard).toEqual([
    'raised warning clock-skew/a: the clock of a is 900 ms ahead of that of the coordinating Redis (limit 500 ms); one of the two is wrong',
  ])
})

test('a figure that a slow answer may have made up is not believed', async () => {
  expect((await after({ a: 0, b: 0, c: 800 }, { roundTrip: 500 })).heard).toEqual([])
  expect((await after({ a: 0, b: 0, c: 800 }, { roundTrip: 300 })).heard).toHaveLength(1)
})

test('clocks a little apart, and a clock that was just set, are fine', async () => {
  expect((await after({ a: 0, b: 240, c: -240 })).heard).toEqual([])
  expect((await after({ a: 0, b: 5000, c: 0 }, {}, 20_000)).heard).toEqual([])
})

test('nodes that have written nothing yet are not judged', async () => {
  const watch = clusterWatch()
  withPeers(watch.world, ...['a', 'b', 'c'].map((name) => peer(name, { vitals: null })))
  expect(await watch.tellFor(minute)).toEqual([])
  expect(watch.step('clock-skew').outcome).toBe('ok')
})
