import { bytes, duration, milliseconds, percent, say, z } from 'healthz'
import { fitLine } from './fit.ts'
import { step } from './target.ts'

type Points = readonly (readonly [at: number, usedMiB: number])[]

const [minute, hour, mebibyte] = [60_000, 3_600_000, 1_048_576]

/** A disk that fills steadily is told while there is time to act. */
export const diskFill = step({
  title: say`no disk will be full soon`,
  limits: z.strictObject({ warnWithin: duration('24h'), critWithin: duration('4h') }),
  async check({ target, limits, signal, now, recall, remember, problem, grade }) {
    const before = recall<Readonly<Record<string, Points>>>()?.value ?? {}
    const after: Record<string, Points> = {}
    for (const { target: mount, used, available } of (await target.filesystems(signal)).known) {
      const points = withPoint(before[mount] ?? [], now(), Math.round(used / mebibyte))
      after[mount] = points
      const left = timeLeft(points, available)
      const limit = { warning: limits.warnWithin, critical: limits.critWithin, below: true }
      const usedPct = (used / Math.max(1, used + available)) * 100
      if (left === null || usedPct <= 50) continue
      const severity = grade(left.ms, limit, mount)
      if (severity === null) continue
      problem({
        key: mount,
        severity,
        summary: say`${mount} will be full in ${milliseconds(left.ms)}: it grows by ${bytes(left.perHour)} an hour and is ${percent(usedPct)} full (limit ${milliseconds(limits.warnWithin)})`,
        advice: say`find what grows: files changed lately, by size: find ${mount} -xdev -mmin -60 -size +50M -ls`,
        evidence: { mount, available, bytesPerHour: Math.round(left.perHour) },
      })
    }
    remember(after)
  },
})

/** Points over three hours, five minutes apart at least. A clean-up begins anew: the past no longer foretells. */
export function withPoint(before: Points, at: number, usedMiB: number): Points {
  const last = before.at(-1)
  if (last === undefined || usedMiB < last[1] * 0.95) return [[at, usedMiB]]
  if (at - last[0] < 5 * minute) return before
  return [...before.filter(([then]) => at - then <= 3 * hour), [at, usedMiB]]
}

/** When a disk that grows steadily is full; null where it does not, or too little is known. */
export function timeLeft(points: Points, available: number): { ms: number; perHour: number } | null {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || last[0] - first[0] < hour) return null
  const line = fitLine(points.map(([at, used]) => [(at - first[0]) / hour, used]))
  if (line === null || line.slope <= 0 || line.r2 <= 0.8) return null
  const perHour = line.slope * mebibyte
  return { ms: (available / perHour) * hour, perHour }
}
