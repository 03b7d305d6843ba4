/** A straight line through points: `slope` in y per x, and `r2`, how much of the ups and downs it explains (0 to 1). */
export interface Line {
  readonly slope: number
  readonly r2: number
}

/** The least-squares line; null where there are fewer than three points, or they share one x. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line | null {
  if (points.length < 3) return null
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const [xx, xy, yy] = points.reduce(
    ([xx, xy, yy], [x, y]) => [xx + (x - meanX) ** 2, xy + (x - meanX) * (y - meanY), yy + (y - meanY) ** 2],
    [0, 0, 0],
  )
  if (xx === undefined || xy === undefined || yy === undefined || xx === 0) return null
  return { slope: xy / xx, r2: yy === 0 ? 1 : xy ** 2 / (xx * yy) }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
