/** What `ping` counted. */
export interface Pings {
  readonly sent: number
  readonly received: number
  /** The average in milliseconds; null where nothing came back. */
  readonly average: number | null
}

/**
 * The last lines of `ping`, as iputils, BusyBox and inetutils write them; null where they are not there.
 * `5 packets transmitted, 4 received, 20% packet loss, time 805ms` and `rtt min/avg/max/mdev = 0.02/0.03/0.04/0.01 ms`.
 */
export function parsePings(output: string): Pings | null {
  const [, sent, received] = /(\d+) packets transmitted, (\d+)(?: packets)? received/.exec(output) ?? []
  if (sent === undefined || received === undefined) return null
  const [, average] = /min\/avg\/max\S* = [\d.]+\/([\d.]+)\//.exec(output) ?? []
  return {
    sent: Number(sent),
    received: Number(received),
    average: average === undefined ? null : Number(average),
  }
}

/** Why there was nothing to count, as far as `ping` says it. */
export function whyNoPings(output: string): 'unknown-name' | 'not-permitted' | 'unreachable' | null {
  if (/not known|bad address|unknown host|name resolution|No address associated/i.test(output))
    return 'unknown-name'
  if (/not permitted|permission denied|lacking privilege|are you root/i.test(output)) return 'not-permitted'
  return /unreachable|no route/i.test(output) ? 'unreachable' : null
}
