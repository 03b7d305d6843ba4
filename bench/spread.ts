/** A measured figure: the median of its runs, and the quartiles around it. */
export interface Spread {
  readonly runs: number
  readonly low: number
  readonly median: number
  readonly high: number
}

/** The median and quartiles of some figures. */
export function spreadOf(figures: readonly number[]): Spread {
  const at = (share: number) => quantile(figures, share)
  return { runs: figures.length, low: at(0.25), median: at(0.5), high: at(0.75) }
}

/** The figure below which `share` of them lie, from 0 to 1, between two neighbours in proportion. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  return below + (above - below) * (place - Math.floor(place))
}

/** `123 (118-131)`: the median and the quartiles. */
export function show({ low, median, high }: Spread, digits = 0): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`
}
