import pLimit from 'p-limit'
import type { Clock } from '../core/clock.ts'
import type { Observe } from '../core/observer.ts'
import type { Entry, Plan } from '../core/plan.ts'
import type { Redact } from '../core/secret.ts'
import type { EntryRecord, Store } from '../core/store.ts'
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
  /** Whether cures may run at this moment. */
  readonly mayCure: () => boolean
  /** Whether anybody still tells the entry that this is a record of. */
  readonly isWatched: (record: EntryRecord) => boolean
  /** Whether what the store knows and this configuration does not is a thing of the past, and not of another node. */
  readonly mayTidy: () => boolean
}

/** What happens, in order: pace, examine, judge, resolve, commit, deliver. */
export interface Engine {
  /** The watchman's own entry: whoever leads tells it. */
  readonly self: Entry
  readonly courier: Courier
  /** Tells every entry once and returns what each round came to, in the plan's order. */
  once(entries: readonly Entry[], term: Term, resolving: Resolving): Promise<RoundResult[]>
  /** Tells these entries at their pace until the term ends, and begins no round once `until` has aborted. */
  watch(entries: readonly Entry[], term: Term, resolving: Resolving, until?: AbortSignal): Promise<void>
  /** Does what one process alone may do, until the term ends: delivers alarms, closes old books, forgets the past. */
  lead(term: Term, until?: AbortSignal): Promise<void>
}

const hour = 3_600_000
/** The watchman looks at itself at least this often. */
const selfEvery = 60_000
/** How often the books of what is no longer watched are closed. */
const tidyEvery = 60_000

/** The engine of a plan. Checks, cures and sends have pools of their own and never wait for each other. */
export function createEngine(plan: Plan, ports: EnginePorts): Engine {
  const { clock, store, observe } = ports
  const examinePool = pLimit(plan.limits.concurrency)
  const curePool = pLimit(plan.limits.cures)
  const roundPorts: RoundPorts = {
    ...ports,
    entries: plan.entries,
    census: createCensus(plan.entries),
    locks: createLocks(),
    examinePool: (work) => examinePool(work),
    curePool: (work) => curePool(work),
    limits: plan.limits,
    alarms: plan.alarms,
    channels: plan.channels.map(({ name }) => name),
  }
  const courier = createCourier({ ...plan, ...ports })

  async function watchOne(entry: Entry, term: Term, resolving: Resolving, until: AbortSignal): Promise<void> {
    const round = async () => {
      try {
        await runRound(entry, roundPorts, term, resolving)
      } catch {
        // The round has said why by `round-failed`; the next one may fare better.
      }
      courier.wake()
    }
    await paceOf(entry, ports).run(round, until)
  }

  return {
    self: selfEntry(store, plan, selfEvery),
    courier,

    async once(entries, term, resolving) {
      return inOrder(entries, (entry) => runRound(entry, roundPorts, term, resolving))
    },

    async watch(entries, term, resolving, until = term.signal) {
      const ending = AbortSignal.any([term.signal, until])
      await Promise.all(entries.map((entry) => watchOne(entry, term, resolving, ending)))
    },

    async lead(term, until = term.signal) {
      const ending = AbortSignal.any([term.signal, until])
      const tidy = async () => {
        if (!ports.mayTidy()) return
        await readdressStrangers(plan, store, term)
        await retireStrangers(ports, term)
      }
      const forget = () => store.prune(clock.now() - plan.store.retention)
      await Promise.all([
        courier.run(term, ending),
        every(tidyEvery, tidy, clock, observe, ending),
        every(hour, forget, clock, observe, ending),
      ])
    },
  }
}

/** Tells each entry once what it depends on has been told, and cured where it could be. */
async function inOrder(
  entries: readonly Entry[],
  tell: (entry: Entry) => Promise<RoundResult>,
): Promise<RoundResult[]> {
  const told = new Map<string, Promise<RoundResult>>()
  const inTurn = async (entry: Entry): Promise<RoundResult> => {
    await Promise.allSettled(entry.dependsOn.flatMap((dependency) => begin(dependency.entry) ?? []))
    return tell(entry)
  }
  const begin = (name: string): Promise<RoundResult> | null => {
    const entry = entries.find((one) => one.name === name)
    if (entry === undefined) return null
    const begun = told.get(name) ?? inTurn(entry)
    told.set(name, begun)
    return begun
  }
  return Promise.all(entries.flatMap(({ name }) => begin(name) ?? []))
}

/** Does it now and then at this pace, until the term ends. */
async function every(
  ms: number,
  work: () => Promise<void>,
  clock: Clock,
  observe: Observe,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work()
    } catch (error) {
      if (!signal.aborted) observe({ type: 'round-failed', entry: 'healthz', error })
    }
    await clock.sleep(ms, signal).catch(() => {})
  }
}

/** Hands what waits for channels that are no longer in the configuration to the fallback, or else to all there are. */
async function readdressStrangers({ channels, alarms }: Plan, store: Store, term: Term): Promise<void> {
  const known = channels.map(({ name }) => name)
  const to = alarms.fallback === null ? known : [alarms.fallback]
  if (to.length === 0) return
  for (const { channel, pending } of await store.backlog(Number.POSITIVE_INFINITY)) {
    if (pending === 0 || known.includes(channel)) continue
    await store.resume(term, channel)
    await store.readdress(term, { from: channel, to })
  }
}

/** Tells of what was raised for entries that nobody tells any more, and forgets them. */
async function retireStrangers(ports: EnginePorts, term: Term): Promise<void> {
  for (const record of await ports.store.entries())
    if (!ports.isWatched(record)) await retire(record, ports, term)
}
