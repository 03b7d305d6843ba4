import { describe, expect, test } from 'vitest'
import { countRestarts, type Run } from '../../../src/clients/restarts.ts'

/** Looks at a program whose start is given for each look, `gap` seconds apart; null: it was down then. */
function looks(gap: number, starts: readonly (number | null)[]): Run | undefined {
  let run: Run | undefined
  for (const [index, start] of starts.entries()) {
    const now = { start: start ?? 0, isUp: start !== null }
    run = countRestarts(run, now, { at: index * gap * 1000, gap: gap * 1000, window: 600_000, restarts: 3 })
  }
  return run
}

describe('countRestarts', () => {
  test('a program that keeps its start moves never', () => {
    expect(looks(30, [1, 1, 1, 1])).toMatchObject({ moves: [], streak: 0 })
  })

  test('counts each new start within the window', () => {
    expect(looks(30, [1, 2, 3, 4])?.moves).toHaveLength(3)
  })

  test('forgets a move that is older than the window', () => {
    expect(looks(150, [1, 2, 2, 2, 2, 2])?.moves).toHaveLength(1)
    expect(looks(150, [1, 2, 2, 2, 2, 2, 2])?.moves).toHaveLength(0)
  })

  test('a start after it was down is not a restart', () => {
    expect(looks(30, [1, null, 2, null, 3])?.moves).toHaveLength(0)
  })

  test('where looks are rare, a new start at each look counts as a streak', () => {
    expect(looks(600, [1, 2, 3, 4])?.streak).toBe(3)
    expect(looks(600, [1, 2, 3, 3, 4])?.streak).toBe(1)
  })

  test('where looks are frequent there is no streak', () => {
    expect(looks(30, [1, 2, 3, 4, 5])?.streak).toBe(0)
  })
})
