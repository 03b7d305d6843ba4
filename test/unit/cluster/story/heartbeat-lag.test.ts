import { expect, test } from 'vitest'
import type { Vitals } from '../../../../src/core/cluster.ts'
import { clusterWatch, minute, peer, withPeers } from '../../../support/cluster/watch.ts'

const after = async (vitals: Partial<Vitals>, ms = 3 * minute) => {
  const watch = clusterWatch()
  withPeers(watch.world, peer('b', { vitals }))
  return { watch, heard: await watch.tellFor(ms) }
}

test('late answers are blamed on the way to Redis, and are over when they come in time', async () => {
  const { watch, heard } = await after({ roundTrip: 1300 })
  expect(heard).toEqual([
    'raised warning heartbeat-lag/b: the coordinating Redis answers the heartbeats of b only after 1.3 s (limit 1 s)',
  ])
  withPeers(watch.world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning heartbeat-lag\/b/)])
})

test('heartbeats far apart are blamed on a busy event loop first', async () => {
  const { watch, heard } = await after({ interval: 2200, roundTrip: 1300, loopLag: 900 })
  expect(heard).toEqual([
    'raised warning heartbeat-lag/b: healthz on b is too busy for its heartbeats: its event loop lags 900 ms (limit 200 ms), and they come 2.2 s apart instead of 500 ms',
  ])
  expect(watch.problem('heartbeat-lag/b').advice).toMatch(/^look at the CPU and the swapping of host-b;/)
})

test('and on heartbeats that fail where nothing else is slow', async () => {
  expect((await after({ interval: 2200 })).heard).toEqual([
    'raised warning heartbeat-lag/b: the heartbeats of b come 2.2 s apart instead of 500 ms (limit 1 s)',
  ])
})

test('less than two minutes of it, or a busy process whose heartbeats come in time, are not told', async () => {
  const { watch, heard } = await after({ roundTrip: 1300 }, 110_000)
  withPeers(watch.world, peer('b'))
  const calm = await watch.tell()
  withPeers(watch.world, peer('b', { vitals: { roundTrip: 1300 } }))
  expect([...heard, ...calm, ...(await watch.tellFor(110_000))]).toEqual([])
  expect((await after({ loopLag: 900 })).heard).toEqual([])
})

test('where most nodes wait for Redis, it is told once', async () => {
  const watch = clusterWatch()
  const slow = (name: string, roundTrip: number) => peer(name, { vitals: { roundTrip } })
  withPeers(watch.world, slow('a', 1100), slow('b', 1300), slow('c', 1900), peer('d'))
  expect(await watch.tellFor(3 * minute)).toEqual([
    'raised warning heartbeat-lag: the coordinating Redis is slow: 3 of 4 nodes wait between 1.1 s and 1.9 s for the answer to a heartbeat (limit 1 s)',
  ])
})

test('a watch that was interrupted begins anew', async () => {
  const { watch, heard } = await after({ roundTrip: 1300 }, 110_000)
  await watch.rounds.clock.advance(minute)
  expect([...heard, ...(await watch.tell())]).toEqual([])
})
