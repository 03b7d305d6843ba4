import { expect, it } from 'vitest'
import { turnsOf } from '../../../src/core/turn.ts'

const first = 'cache/memory@2026-11-20T22:45:00.000Z'
const second = 'cache/memory@2026-11-20T23:45:00.000Z'
const other = 'cache/connect@2026-11-20T22:45:00.000Z'

it('an alarm waits for the earlier ones of its problem, whichever spell they tell of', () => {
  const waiting = [
    { id: 1, occurrence: first, due: 5000 },
    { id: 2, occurrence: other, due: 0 },
    { id: 3, occurrence: first, due: 0 },
    { id: 4, occurrence: second, due: 9000 },
    { id: 5, occurrence: second, due: 10 },
  ]
  expect([...turnsOf(waiting)]).toEqual([
    [1, 5000],
    [2, 0],
    [3, 5000],
    [4, 9000],
    [5, 9000],
  ])
})
