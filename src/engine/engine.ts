import pLimit from 'p-limit'
import type { Clock } from '../core/clock.ts'
import type { Observe } from '../core/observer.ts'
import type { Entry, Plan } from '../core/plan.ts'
import type { Redact } from '../core/secret.ts'
import type { Store } from '../core/store.ts'
import { createCensus } from './census.ts'
import { type Courier, createCourier } from './courier.ts'
import { createLocks } from './locks.ts'
import { paceOf } from './pace.ts'
import type { RoundPorts } from './ports.ts'
import { retire } from './retire.ts'
import { type Resolving, type RoundResult, runRound } from './round.ts'
import { selfEntry } from './self.ts'
import type { Term } from './term.ts'

export interface EnginePorts extends Pick<RoundPorts, 'launch'> {
  readonly clock: Clock
  readonly store: Store
  readonly redact: Redact
  readonly observe: Observe
}

/** What happens, in order: pace, examine, judge, resolve, commit, deliver. */
export interface Engine {
  /** Tells every entry once and returns what each round came to, in the plan's order. */
  once(entries: readonly Entry[], term: Term, resolving: Resolving): Promise<RoundResult[]>
  /** Tells every entry at its pace and delivers alarms until the term ends. */
  run(term: Term, resolving: Resolving): Promise<void>
  readonly courier: Courier
}

const hour = 3_600_000
/** The watchman looks at itself at least this often. */
const selfEvery = 60_000

/** The engine of a plan. Checks, cures and sends have pools of their own and never wait for each other. */
export function createEngine(plan: Plan, ports: EnginePorts): Engine {
  const { clock, store, observe } = ports
  const examinePool = pLimit(plan.limits.concurrency)
  const curePool = pLimit(plan.limits.cures)
  const self = selfEntry(store, plan, selfEvery)
  const roundPorts: RoundPorts = {
    ...ports,
    census: createCensus(plan.entries),
    locks: createLocks(),
    examinePool: (work) => examinePool(work),
    curePool: (work) => curePool(work),
    limits: plan.limits,
    alarms: plan.alarms,
    channels: plan.channels.map(({ name }) => name),
  }
  const courier = createCourier({ ...plan, ...ports })

  return {
    courier,

    async once(entries, term, resolving) {
      return Promise.all(entries.map((entry) => runRound(entry, roundPorts, term, resolving)))
    },

    async run(term, resolving) {
      await readdressStrangers(plan, store, term)
      await retireStrangers([self, ...plan.entries], roundPorts, term)
      const paced = [self, ...plan.entries].map((entry) => {
        const round = async () => {
          try {
            await runRound(entry, roundPorts, term, resolving)
          } catch {
            // The round has said why by `round-failed`; the next one may fare better.
          }
          courier.wake()
        }
        return paceOf(entry, ports).run(round, term.signal)
      })
      await Promise.all([
        ...paced,
        courier.run(term),
        forget(store, clock, plan.store.retention, observe, term),
      ])
    },
  }
}

/** Hands what waits for channels that are no longer in the configuration to the fallback, or else to all there are. */
async function readdressStrangers({ channels, alarms }: Plan, store: Store, term: Term): Promise<void> {
  const known = channels.map(({ name }) => name)
  const to = alarms.fallback === null ? known : [alarms.fallback]
  if (to.length === 0) return
  for (const { channel, pending } of await store.backlog(Number.POSITIVE_INFINITY)) {
    if (pending > 0 && !known.includes(channel)) await store.readdress(term, { from: channel, to })
  }
}

/** Tells of what was raised for entries or steps that are no longer in the configuration, and forgets them. */
async function retireStrangers(entries: readonly Entry[], ports: RoundPorts, term: Term): Promise<void> {
  const watched = new Map(entries.map((entry) => [entry.name, entry]))
  for (const record of await ports.store.entries())
    await retire(record, watched.get(record.name) ?? null, ports, term)
}

/** Forgets the past once an hour. */
async function forget(
  store: Store,
  clock: Clock,
  retention: number,
  observe: Observe,
  term: Term,
): Promise<void> {
  while (!term.signal.aborted) {
    try {
      await store.prune(clock.now() - retention)
    } catch (error) {
      observe({ type: 'round-failed', entry: 'healthz', error })
    }
    await clock.sleep(hour, term.signal).catch(() => {})
  }
}
