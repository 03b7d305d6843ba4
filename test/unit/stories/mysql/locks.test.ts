import { expect, test } from 'vitest'
import { blockersOf } from '../../../../stories/mysql/locks.ts'

const wait = (waiter: string, blocker: string) => ({ waiter, blocker })

test('the one who blocks most, through others too, comes first; who waits is no blocker', () => {
  const waits = [wait('b', 'a'), wait('c', 'b'), wait('d', 'b'), wait('y', 'x'), wait('z', 'x')]
  expect(blockersOf(waits)).toEqual(['a', 'x'])
  expect(blockersOf([wait('y', 'x'), ...waits.slice(0, 1), wait('z', 'x')])).toEqual(['x', 'a'])
})

test('nobody blocks where nobody waits, and a circle (a deadlock about to be ended) has no root', () => {
  expect(blockersOf([])).toEqual([])
  expect(blockersOf([wait('a', 'b'), wait('b', 'a')])).toEqual([])
})
