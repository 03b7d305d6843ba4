import { TryLater, Undeliverable } from 'healthz'

export interface Answer {
  readonly status: number
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined
  /** The header `Date`: the receiver's own clock. */
  readonly date: string | undefined
  /** What the receiver says, as one line, free of secrets. */
  readonly reason: string
}

/**
 * What an answer means: null where the receiver took the digest, else the error to throw. Worth another attempt is
 * what may change by itself: 408, 425, 429, 5xx, and a redirect for the time being. What is wrong with the request or
 * the address is not.
 */
export function faultOf({ status, reason, ...when }: Answer, address: string): Error | null {
  if (status >= 200 && status < 300) return null
  const words = `${address} answered ${status}${reason === '' ? '' : `: ${reason}`}`
  const wait = retryAfter(when)
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return wait === null ? new Error(words) : new TryLater(words, wait)
  }
  if (status === 301 || status === 308)
    return new Undeliverable(`${words} (moved; redirects are not followed)`)
  if (status >= 300 && status < 400) return new Error(`${words} (redirects are not followed)`)
  return new Undeliverable(words)
}

/** No receiver may keep an alarm waiting for longer than this, in milliseconds. */
const mostToWait = 3_600_000

/** Milliseconds of a `Retry-After` in seconds or as a date, which is read against the receiver's own clock. */
function retryAfter({ retryAfter, date }: Pick<Answer, 'retryAfter' | 'date'>): number | null {
  if (retryAfter === undefined) return null
  const wait = /^\d+$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - Date.parse(date ?? '')
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), mostToWait)
}
