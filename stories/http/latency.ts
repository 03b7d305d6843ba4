import { ConnectionFailure, duration, milliseconds, say, type Text, z } from 'healthz'
import type { Page } from './fetch-page.ts'
import { type Site, step } from './target.ts'

/** The page answers quickly. One that takes longer than the timeout of the entry gives no answer at all. */
export const latency = step({
  title: say`the page answers quickly`,
  limits: z.strictObject({ slow: duration('1s'), tooSlow: duration('10s') }),
  async check({ target, limits, options, signal, note, problem, grade }) {
    const first = timesOf(await target.page(signal))
    // A single slow answer says little: then it is the median of three.
    const isSlow = first.total > limits.slow * 0.9
    const { connect, firstByte, total } = isSlow
      ? median([
          first,
          await again(target, options.timeout, signal),
          await again(target, options.timeout, signal),
        ])
      : first
    note(say`${milliseconds(total)}`)
    const severity = grade(total, { warning: limits.slow, critical: limits.tooSlow })
    if (severity === null) return
    const limit = severity === 'critical' ? limits.tooSlow : limits.slow
    problem({
      severity,
      summary: say`${target.address} takes ${milliseconds(total)} (limit ${milliseconds(limit)}): ${milliseconds(connect)} to connect, ${milliseconds(firstByte - connect)} until it begins to answer, ${milliseconds(total - firstByte)} for the rest`,
      advice: adviceOn({ connect, firstByte, total }),
      evidence: {
        connectMs: Math.round(connect),
        firstByteMs: Math.round(firstByte),
        totalMs: Math.round(total),
      },
    })
  },
})

/** Milliseconds from the start. Where redirects led to the page, they count as part of the wait for it. */
interface Times {
  readonly connect: number
  readonly firstByte: number
  readonly total: number
}

function timesOf({ took, response: { timings } }: Page): Times {
  const before = took - timings.total
  return { connect: timings.connect, firstByte: before + timings.firstByte, total: took }
}

async function again(site: Site, timeout: number, signal: AbortSignal): Promise<Times> {
  try {
    return timesOf(await site.pageAgain(signal))
  } catch (error) {
    if (!(error instanceof ConnectionFailure && error.kind === 'timeout-reply')) throw error
    return { connect: 0, firstByte: timeout, total: timeout }
  }
}

function median(times: readonly [Times, Times, Times]): Times {
  return times.toSorted((a, b) => a.total - b.total)[1] ?? times[0]
}

function adviceOn({ connect, firstByte, total }: Times): Text {
  if (connect > total / 2)
    return say`the way to it is slow: look at the network, and at a server that is slow to accept`
  if (firstByte - connect > total / 2)
    return say`the application works long on it: look at what it waits for, or give it more workers`
  return say`the answer is large or comes slowly: look at its size and at the network`
}
