import pLimit from 'p-limit'
import type { EngineEvent } from '../../src/core/observer.ts'
import type { AlarmPolicy, Entry, Limits } from '../../src/core/plan.ts'
import { createRedactor } from '../../src/core/secret.ts'
import type { Store } from '../../src/core/store.ts'
import { createCensus } from '../../src/engine/census.ts'
import { createLocks } from '../../src/engine/locks.ts'
import type { RoundPorts } from '../../src/engine/ports.ts'
import { type Resolving, type RoundResult, runRound } from '../../src/engine/round.ts'
import { soleTerm, type Term } from '../../src/engine/term.ts'
import { memoryStore } from '../../src/store/open.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'

/** Rounds on a fake clock and a store in memory. */
export interface Rounds {
  readonly clock: FakeClock
  readonly store: Store
  readonly ports: RoundPorts
  readonly events: EngineEvent[]
  readonly term: Term
  /** Ends the term, as a SIGTERM does. */
  end(): void
  run(entry: Entry, resolving?: Resolving): Promise<RoundResult>
}

export const noAlarmPolicy: AlarmPolicy = {
  groupWait: 10_000,
  routes: [],
  fallback: null,
  fallbackAfter: 600_000,
  afterCause: 60_000,
}

export function rounds(
  entries: readonly Entry[],
  { limits, store = memoryStore() }: { limits?: Partial<Limits>; store?: Store } = {},
): Rounds {
  const clock = fakeClock()
  const events: EngineEvent[] = []
  const pool = pLimit(100)
  const ports: RoundPorts = {
    clock,
    store,
    entries,
    redact: createRedactor(),
    launch: async () => {},
    observe: (event) => events.push(event),
    census: createCensus(entries),
    locks: createLocks(),
    examinePool: (work) => pool(work),
    curePool: (work) => pool(work),
    limits: { concurrency: 100, cures: 2, blastRadius: 0.3, ...limits },
    alarms: noAlarmPolicy,
    mayCure: () => true,
    channels: ['ops'],
  }
  const ending = new AbortController()
  const term = soleTerm(store.fence, ending.signal)
  return {
    clock,
    store,
    ports,
    events,
    term,
    end: () => ending.abort('SIGTERM'),
    run: (entry, resolving = 'yes') => clock.until(runRound(entry, ports, term, resolving)),
  }
}
