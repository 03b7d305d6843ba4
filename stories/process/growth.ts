import type { ProcessStat } from 'healthz'

/** How large a process was, at times at least ten minutes apart, the newest last. */
export interface Growth {
  readonly startTicks: number
  readonly points: readonly (readonly [at: number, bytes: number])[]
}

const apart = 600_000
const mostPoints = 12

/** Adds a point; another process begins anew. */
export function growthOf(
  before: Growth | undefined,
  { startTicks }: ProcessStat,
  bytes: number,
  at: number,
): Growth {
  const points = before?.startTicks === startTicks ? before.points : []
  const last = points.at(-1)
  if (last !== undefined && at - last[0] < apart) return { startTicks, points }
  return { startTicks, points: [...points, [at, bytes] as const].slice(-mostPoints) }
}

/** Bytes an hour since the oldest point; null where that is less than ten minutes ago. */
export function growthPerHour({ points }: Growth, bytes: number, at: number): number | null {
  const [then, before] = points[0] ?? [at, bytes]
  return at - then < apart ? null : ((bytes - before) / (at - then)) * 3_600_000
}
