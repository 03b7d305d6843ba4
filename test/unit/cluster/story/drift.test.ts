import { expect, test } from 'vitest'
import { clusterWatch, hour, minute, peer, withPeers } from '../../../support/cluster/watch.ts'

const well = 'c0ffee'.repeat(8)
const other = 'decaf0'.repeat(8)

test('a node with another configuration than the most is named after ten minutes, until it has the same', async () => {
  const watch = clusterWatch()
  withPeers(watch.world, peer('b', { config: other }))
  expect(await watch.tellFor(11 * minute)).toEqual([
    'raised warning config-drift/b: b has run with another configuration than 2 of the 3 nodes for 10 min 10 s',
  ])
  expect(watch.problem('config-drift/b')).toMatchObject({
    advice: expect.stringMatching(/^compare the configuration files and the environment of these nodes/),
    evidence: { node: 'b', host: 'host-b', config: other, others: well },
  })
  withPeers(watch.world, peer('b'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning config-drift\/b/)])
})

test('a deploy that takes each node in turn is fine', async () => {
  const watch = clusterWatch()
  const heard: string[] = []
  for (const name of ['a', 'b', 'c']) {
    withPeers(watch.world, peer(name, { config: other, version: '1.1.0' }))
    heard.push(...(await watch.tellFor(9 * minute)))
  }
  expect([...heard, ...(await watch.tellFor(20 * minute))]).toEqual([])
})

test('where none has most, who agrees with whom is told', async () => {
  const watch = clusterWatch()
  withPeers(watch.world, peer('c', { config: other }), peer('d', { config: other }))
  expect(await watch.tellFor(11 * minute)).toEqual([
    'raised warning config-drift: the nodes have run with different configurations for 10 min 10 s, none of them with most: a + b (c0ffeec0), c + d (decaf0de)',
  ])
})

test('a node that is still joining, or on its way out, is not judged', async () => {
  const watch = clusterWatch()
  withPeers(
    watch.world,
    peer('b', { config: other, state: 'joining' }),
    peer('d', { config: other, state: 'leaving' }),
  )
  expect(await watch.tellFor(11 * minute)).toEqual([])
})

test('half an upgrade is told of after an hour, until it is finished', async () => {
  const watch = clusterWatch()
  withPeers(watch.world, peer('c', { version: '0.9.0' }))
  expect(await watch.tellFor(hour)).toEqual([])
  expect(await watch.tellFor(minute)).toEqual([
    'raised warning version-drift/c: c has run version 0.9.0 for 1 h while 2 of the 3 nodes run 1.0.0',
  ])
  withPeers(watch.world, peer('c'))
  expect(await watch.tell()).toEqual([expect.stringMatching(/^recovered warning version-drift\/c/)])
})

test('two nodes with two versions are told of together', async () => {
  const watch = clusterWatch()
  watch.world.records = { ...watch.world.records, members: [peer('a'), peer('b', { version: '1.1.0' })] }
  expect(await watch.tellFor(hour + minute)).toEqual([
    'raised warning version-drift: the nodes have run different versions for 1 h: a (1.0.0), b (1.1.0)',
  ])
})
