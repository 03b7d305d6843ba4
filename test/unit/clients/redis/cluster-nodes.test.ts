import { expect, test } from 'vitest'
import { holderOfSlot, parseNodes } from '../../../../src/clients/redis/cluster-nodes.ts'
import { slotOf } from '../../../../src/core/redis-slot.ts'
import { recordedNodes } from '../../../support/recorded-nodes.ts'

test('the lines of CLUSTER NODES are read', () => {
  const nodes = parseNodes(recordedNodes)
  expect(nodes.map(({ address }) => address)).toEqual([
    '10.0.0.1:7001',
    '10.0.0.2:7002',
    '10.0.0.3:7003',
    '[::1]:7004',
    '10.0.0.5:7005',
  ])
  expect(nodes[0]).toEqual({
    ...{ id: 'aa', address: '10.0.0.1:7001', isDead: false, isUnheard: false, master: null },
    ...{ slots: ['0-5460'], moving: ['42 to bb', '77 from cc'], isMyself: true },
  })
  expect(nodes[2]?.isDead).toBe(true)
  expect(nodes[4]).toMatchObject({ isUnheard: true, master: 'bb' })
})

test('a key is looked for where its slot is, and nowhere where that node is dead', () => {
  const nodes = parseNodes(recordedNodes)
  expect(holderOfSlot(nodes, slotOf('123456789'))).toBeNull() // 12739
  expect(holderOfSlot(nodes, 16_000)).toBe('10.0.0.2:7002')
  expect(holderOfSlot(nodes, 0)).toBe('10.0.0.1:7001')
})
