import { expect, test } from 'vitest'
import { finishedByCounter } from '../../../../stories/bullmq/finished.ts'

const tally = (added: number, pending: number) => ({ at: 0, added, pending })

test.each([
  ['nothing is known without a history', [], 0],
  ['nothing is known from one look', [tally(100, 3)], 0],
  ['what came and is no longer there has ended', [tally(100, 3), tally(150, 10)], 43],
  ['what was waiting and is gone has ended too', [tally(100, 30), tally(100, 0)], 30],
  ['a queue that only grows ended nothing', [tally(100, 0), tally(120, 20)], 0],
  ['a queue that was emptied and began anew says nothing', [tally(500, 3), tally(2, 0), tally(600, 0)], 0],
])('%s', (_case, tallies, finished) => {
  expect(finishedByCounter(tallies)).toBe(finished)
})
