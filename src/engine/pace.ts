import type { Clock } from '../core/clock.ts'
import type { Observe } from '../core/observer.ts'
import type { Entry } from '../core/plan.ts'

export interface PacePorts {
  readonly clock: Clock
  readonly observe: Observe
}

/** When an entry is due, and that it is told once at a time. */
export interface Pace {
  /** Calls `tell` at its times until the signal aborts, and resolves once the last telling has ended. */
  run(tell: () => Promise<void>, signal: AbortSignal): Promise<void>
}

/** The pace of an entry: by interval from its own start, or by cron on the wall clock. */
export function paceOf(entry: Entry, ports: PacePorts): Pace {
  const { pace } = entry
  if ('every' in pace)
    return { run: (tell, signal) => byInterval(entry.name, pace.every, pace.jitter, ports, tell, signal) }
  return { run: (tell, signal) => byCron(entry.name, pace, ports, tell, signal) }
}

/** Rounds keep to a grid from the first one, so that slow rounds do not shift it; a grid point missed is counted. */
async function byInterval(
  entry: string,
  every: number,
  jitter: number,
  { clock, observe }: PacePorts,
  tell: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let due = clock.elapsed() + Math.random() * jitter
  while (await slept(clock, due - clock.elapsed(), signal)) {
    await tell()
    due += every
    while (due < clock.elapsed()) {
      observe({ type: 'round-overran', entry })
      due += every
    }
  }
}

async function byCron(
  entry: string,
  pace: { readonly cron: string; readonly timezone: string | null; readonly jitter: number },
  { observe }: PacePorts,
  tell: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { schedule, setLogger } = await import('node-cron')
  setLogger(silent)
  let running: Promise<void> = Promise.resolve()
  const task = schedule(
    pace.cron,
    () => {
      running = tell()
      return running
    },
    {
      noOverlap: true,
      maxRandomDelay: pace.jitter,
      ...(pace.timezone !== null && { timezone: pace.timezone }),
    },
  )
  task.on('execution:overlap', () => observe({ type: 'round-overran', entry }))
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await task.destroy()
  await running
}

/** What node-cron would print itself is told by the engine: rounds that fail, and rounds left out. */
const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} }

/** False where the signal ended the wait. */
async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  try {
    await clock.sleep(Math.max(0, ms), signal)
    return true
  } catch {
    return false
  }
}
