import { describe, expect, test } from 'vitest'
import { isDeleted } from '../../../../stories/process/deleted.ts'
import { growthOf, growthPerHour } from '../../../../stories/process/growth.ts'
import { parseListeners } from '../../../../stories/process/listeners.ts'
import { parseUid, withoutOwn } from '../../../../stories/process/match.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:A143 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 54292 1 000000005bab2039 100 0 0 10 0
   1: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1081 1 00000000bafc22ce 100 0 0 10 0
   2: 0100007F:07E8 0100007F:C1D2 01 00000000:00000000 00:00000000 00000000     0        0 60211 1 00000000bafc22cf 20 4 30 10 -1
`

test('parseListeners finds who listens, not who is connected', () => {
  expect(parseListeners(table, 2024)).toEqual(['1081'])
  expect(parseListeners(table, 41_283)).toEqual(['54292'])
  expect(parseListeners(table, 80)).toEqual([])
})

test('parseUid reads the user that a process acts as', () => {
  expect(parseUid('Name:\tx\nUid:\t1000\t33\t1000\t33\nGid:\t0\t0\t0\t0\n')).toBe(33)
  expect(parseUid('')).toBeNull()
})

test.each([
  ['/usr/bin/node (deleted)', true],
  ['/usr/bin/node', false],
  ['/memfd:runc_cloned (deleted)', false],
])('isDeleted %s: %s', (file, is) => {
  expect(isDeleted(file)).toBe(is)
})

test('withoutOwn leaves out the watchman and its helpers, not what it started for good', () => {
  const process = (pid: number, parent: number, session: number) => ({
    pid,
    parent,
    session,
    comm: 'x',
    state: 'S',
    startTicks: 0,
  })
  const all = [
    process(1, 0, 1),
    process(10, 1, 5),
    process(11, 10, 5),
    process(12, 11, 5),
    process(13, 10, 13),
  ]
  expect(withoutOwn(all, 10).map(({ pid }) => pid)).toEqual([1, 13])
})

describe('growth', () => {
  const process = { pid: 7, parent: 1, session: 7, comm: 'x', state: 'S', startTicks: 5 }
  const minute = 60_000

  test('is told by the hour once ten minutes are known', () => {
    const first = growthOf(undefined, process, 100, 0)
    expect(growthPerHour(first, 100, 0)).toBeNull()
    expect(growthPerHour(growthOf(first, process, 110, 5 * minute), 110, 5 * minute)).toBeNull()
    expect(growthPerHour(growthOf(first, process, 150, 30 * minute), 150, 30 * minute)).toBe(100)
  })

  test('keeps few points, and begins anew with another process', () => {
    let growth = growthOf(undefined, process, 0, 0)
    for (let i = 1; i < 50; i += 1) growth = growthOf(growth, process, i, i * 10 * minute)
    expect(growth.points).toHaveLength(12)
    expect(growthOf(growth, { ...process, startTicks: 6 }, 1, 0).points).toHaveLength(1)
  })
})
