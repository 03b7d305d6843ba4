/** How long to wait before the next attempt after `attempts` that failed, in milliseconds: doubling, up to a cap. */
export function backoff(attempts: number, { first = 5000, cap = 300_000 } = {}): number {
  return Math.min(cap, first * 2 ** Math.max(0, Math.min(attempts - 1, 30)))
}
