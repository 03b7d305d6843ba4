import { expect, test } from 'vitest'
import { type Master, type Seen, staleOf } from '../../../../stories/redis/seen.ts'

test('the master that nobody follows is stale where a known replica follows the other', () => {
  const [a, b, r] = [
    master('a:1', { followers: 1 }),
    master('b:1'),
    replica('r:1', 'a:1', { host: 'a', port: 1 }),
  ]
  expect(staleOf([a, b, r])).toEqual({ node: b.node, master: { host: 'a', port: 1 } })
})

test.each<[string, readonly Seen[]]>([
  ['one master', [master('a:1', { followers: 1 }), replica('r:1', 'a:1', { host: 'a', port: 1 })]],
  ['no replica among the nodes', [master('a:1', { followers: 1 }), master('b:1')]],
  [
    'both are followed',
    [
      master('a:1', { followers: 1 }),
      master('b:1', { followers: 1 }),
      replica('r:1', 'a:1', { host: 'a', port: 1 }),
    ],
  ],
  ['none is followed', [master('a:1'), master('b:1'), replica('r:1', 'a:1', null)]],
  [
    'three masters',
    [
      master('a:1', { followers: 1 }),
      master('b:1'),
      master('c:1'),
      replica('r:1', 'a:1', { host: 'a', port: 1 }),
    ],
  ],
  [
    'the replica follows neither',
    [master('a:1', { followers: 1 }), master('b:1'), replica('r:1', 'z:1', { host: 'z', port: 1 })],
  ],
  [
    'the replica knows its master by an address of its own host',
    [master('a:1', { followers: 1 }), master('b:1'), replica('r:1', 'a:1', { host: '127.0.0.1', port: 1 })],
  ],
])('no node is called stale: %s', (_title, nodes) => {
  expect(staleOf(nodes)).toBeNull()
})

function master(address: string, more: Partial<Seen> = {}): Seen {
  return { ...replica(address, address, null), isMaster: true, ...more }
}

function replica(address: string, history: string, of: Master | null): Seen {
  const refuse = () => Promise.reject()
  const url = new URL(`redis://${address}`)
  const node = { address, url, call: refuse, info: refuse, [Symbol.dispose]() {} }
  return {
    node,
    address,
    run: address,
    isMaster: false,
    history,
    master: of,
    followers: 0,
    isCluster: false,
    isFailingOver: false,
  }
}
