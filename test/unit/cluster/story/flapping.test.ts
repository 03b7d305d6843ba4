import { expect, test } from 'vitest'
import { clusterWatch, minute, peer, withoutPeer, withPeers } from '../../../support/cluster/watch.ts'

/** Leaders one after another, a minute apart, the last one just now. */
const led = (watch: ReturnType<typeof clusterWatch>, names: string) => {
  const start = watch.now() - names.length * minute
  const changes = [...names].map((name, index) => ({ name, epoch: 900 + index, at: start + index * minute }))
  watch.world.records = { ...watch.world.records, changes }
}

test('a lead that changes hands more than three times in ten minutes is told of until it rests', async () => {
  const watch = clusterWatch()
  withPeers(watch.world, peer('b', { vitals: { roundTrip: 700 } }), peer('c', { vitals: { loopLag: 350 } }))
  led(watch, 'abcab')
  expect(await watch.tell()).toEqual([
    'raised warning flapping: the leader changed 4 times within 10 min (limit 3), among b, c, a',
  ])
  expect(watch.problem('flapping').advice).toBe(
    'a leader loses its seat when its heartbeats come late: look at the load of these nodes, of Redis and of the network between them; the slowest answer is now that to b (700 ms), the busiest process that of c (its event loop lags 350 ms)',
  )
  await watch.rounds.clock.advance(9 * minute)
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning flapping/)])
})

test('three changes, and the first leader ever, are fine', async () => {
  const watch = clusterWatch()
  led(watch, 'abca')
  expect(await watch.tell()).toEqual([])
})

test('a lead that the same node loses and takes again counts', async () => {
  const watch = clusterWatch()
  led(watch, 'aaaaa')
  expect(await watch.tell()).toHaveLength(1)
})

test('a deploy that restarts every leader once is fine', async () => {
  const watch = clusterWatch()
  led(watch, 'abcdea')
  const restarted = (name: string, ago: number) => peer(name, { vitals: { uptime: ago } })
  withPeers(
    watch.world,
    ...[restarted('a', 5 * minute), restarted('b', 4 * minute), restarted('c', 3 * minute)],
    ...[restarted('d', 2 * minute), restarted('e', minute)],
  )
  expect(await watch.tell()).toEqual([])
})

test('a leader that took leave for good is fine, one that vanished is not', async () => {
  const watch = clusterWatch()
  led(watch, 'abacb')
  withoutPeer(watch.world, 'c')
  expect(await watch.tell()).toEqual([])
  watch.world.records = {
    ...watch.world.records,
    lost: [{ name: 'c', at: watch.now(), host: 'host-c' }],
  }
  expect(await watch.tell()).toHaveLength(1)
})

test('leaders that are restarted again and again are told of', async () => {
  const watch = clusterWatch()
  led(watch, 'ababababab')
  const fresh = { vitals: { uptime: 1000 } }
  withPeers(watch.world, peer('a', fresh), peer('b', fresh))
  expect(await watch.tell()).toEqual([
    expect.stringMatching(/^raised warning flapping: the leader changed 7 times/),
  ])
})
