/** How much a counter grew between two samples. One that fell was reset: what it counted since then is left out. */
export function growth(before: number, after: number): number {
  return Math.max(0, after - before)
}
