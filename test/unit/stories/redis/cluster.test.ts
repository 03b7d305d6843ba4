import { expect, test } from 'vitest'
import { parseNodes } from '../../../../src/clients/redis/cluster-nodes.ts'
import { render } from '../../../../src/core/text.ts'
import { faultsOf } from '../../../../stories/redis/cluster-faults.ts'
import type { ClusterView } from '../../../../stories/redis/cluster-view.ts'
import { recordedNodes } from '../../../support/recorded-nodes.ts'

const view = (address: string, text = recordedNodes, more: Partial<ClusterView> = {}): ClusterView => ({
  address,
  isServing: true,
  served: 16_384,
  nodes: parseNodes(text),
  ...more,
})

const keys = (views: readonly ClusterView[], expectReplicas?: number) =>
  faultsOf(views, expectReplicas).map(({ key, severity }) => `${severity} ${key}`)

test('dead masters with slots are critical, nodes that one does not hear a warning', () => {
  const faults = faultsOf([view('10.0.0.1:7001'), view('10.0.0.2:7002')], undefined)
  expect(faults.map(({ key }) => key)).toEqual(['node 10.0.0.3:7003', 'node 10.0.0.5:7005'])
  expect(faults[0]?.severity).toBe('critical')
  expect(render(faults[1]?.summary ?? '')).toBe(
    'the node 10.0.0.5:7005 is not heard by 10.0.0.1:7001, 10.0.0.2:7002',
  )
})

const well = `aa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-8191
bb 10.0.0.2:7002@17002 master - 0 0 2 connected 8192-16383
cc 10.0.0.3:7003@17003 slave aa 0 0 1 connected
dd 10.0.0.4:7004@17004 slave bb 0 0 1 connected
`

test('slots that are not served and nodes that refuse are critical', () => {
  expect(keys([view('a', well)])).toEqual([])
  expect(keys([view('a', well), view('b', well, { isServing: false })])).toEqual(['critical slots'])
  const [fault] = faultsOf([view('a', well, { served: 16_000 })], undefined)
  expect(render(fault?.summary ?? '')).toBe(
    'only 16 000 of 16 384 slots are served: part of the keys cannot be reached',
  )
})

test('nodes that see different owners or members do not agree; who is speaking does not matter', () => {
  const asSecond = well
    .replace('myself,master', 'master')
    .replace('7002@17002 master', '7002@17002 myself,master')
  expect(keys([view('a', well), view('b', asSecond)])).toEqual([])
  const moved = well.replace('0-8191', '0-8000').replace('8192-16383', '8001-16383')
  expect(keys([view('a', well), view('b', moved)])).toEqual(['warning views'])
  const forgotten = well.split('\n').slice(0, 3).join('\n')
  expect(keys([view('a', well), view('b', forgotten)])).toEqual(['warning views'])
})

test('a master without a replica is told; where none has one, once for all, and not where none is wanted', () => {
  const poor = well.split('\n').slice(0, 3).join('\n')
  expect(keys([view('a', poor)])).toEqual(['warning replicas 10.0.0.2:7002'])
  expect(keys([view('a', poor)], 2)).toEqual([
    'warning replicas 10.0.0.1:7001',
    'warning replicas 10.0.0.2:7002',
  ])
  const none = well.split('\n').slice(0, 2).join('\n')
  expect(keys([view('a', none)])).toEqual(['warning replicas'])
  expect(keys([view('a', none)], 0)).toEqual([])
})
