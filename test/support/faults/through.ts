import { expect } from 'vitest'
import { check } from './checker.ts'
import type { FaultCluster } from './cluster.ts'

/** Some signals go up before a fault, and more when `act` says so; all is told, and no rule was broken. */
export async function through(
  cluster: FaultCluster,
  act: (raiseMore: () => void) => Promise<void>,
): Promise<void> {
  const raise = (...entries: readonly [string, string, mends: string]) => {
    for (const entry of entries) cluster.world.raise(entry, { mends: entry === entries[2] })
  }
  raise('a', 'led', 'd')
  await act(() => raise('b', 'led', 'e'))
  await cluster.settled()
  cluster.world.lowerTold()
  await cluster.settled()
  expect(check(cluster.history())).toEqual([])
}
