import { launch } from '../clients/launch.ts'
import type { ClusterPlan } from '../core/cluster.ts'
import type { EngineEvent } from '../core/observer.ts'
import type { Finding } from '../core/outcome.ts'
import type { Entry, Plan } from '../core/plan.ts'
import { createRedactor } from '../core/secret.ts'
import type { Kept, Outgoing, Store } from '../core/store.ts'
import { say } from '../core/text.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import type { Term } from '../engine/term.ts'

export interface EmergencyPorts {
  readonly plan: Plan
  readonly cluster: ClusterPlan
  /** This node's own store: the only one that is there. */
  readonly journal: Store
  readonly observe: (event: EngineEvent) => void
}

/** An engine for when there is no leader: it looks and sends, cures nothing, and waits for no company. */
export function emergencyEngine(
  entries: readonly Entry[],
  { plan, cluster, journal, observe }: EmergencyPorts,
): Engine {
  const groupWait = Math.min(plan.alarms.groupWait, cluster.timing.beat)
  return createEngine(
    { ...plan, entries, alarms: { ...plan.alarms, groupWait } },
    {
      clock,
      store: journal,
      redact: createRedactor(plan.secrets),
      launch,
      observe,
      mayCure: () => false,
      mayTidy: () => false,
      isWatched: () => true,
    },
  )
}

/** How often an outage is looked at again, to remind people of it, in milliseconds. */
const lookEvery = 10_000
/** So many alarms are looked at when some are sought. */
export const mostAlarms = 1000

/** The watch over the cluster that finds this and nothing else; whatever else it asks cannot be seen now. */
export function outageEntry(watch: Entry, found: string, finding: () => Finding): Entry {
  const steps = Object.entries(watch.story.steps).map(([name, step]) => {
    const unseen: typeof step.check = ({ cannotTell }) =>
      cannotTell(say`not to be seen while nobody leads the cluster`)
    const check: typeof step.check = ({ problem }) => {
      const { cure: _, ...problemFound } = finding()
      problem(problemFound)
    }
    return [name, { ...step, check: name === found ? check : unseen }] as const
  })
  return {
    ...watch,
    story: { ...watch.story, steps: Object.fromEntries(steps) },
    pace: { every: lookEvery, jitter: lookEvery },
    // That the rest cannot be seen is no news.
    policy: { ...watch.policy, blindAfter: Number.MAX_SAFE_INTEGER },
  }
}

/**
 * Raises an outage and delivers alarms from the journal until the signal aborts. `told` resolves when people know of
 * it. Where they know already, what is left to do is to remind them, and to tell the end.
 */
export function speakOf(
  entry: Entry,
  isNew: boolean,
  by: { readonly engine: Engine; readonly journal: Store; readonly term: Term; readonly until: AbortSignal },
): { readonly told: Promise<void>; readonly ended: Promise<void> } {
  const { engine, journal, term, until } = by
  const begun = (async () => {
    await engine.once([entry], term, 'no')
    if (!isNew) await markSent(journal, entry.name)
  })()
  const delivering = begun.then(() =>
    Promise.all([engine.watch([entry], term, 'no', until), engine.courier.run(term, until)]),
  )
  return {
    told: begun.then(() => untilTold(journal, entry.name, until)),
    ended: delivering.then(() => {}),
  }
}

export const keyOf = ({ channel, alarm }: Pick<Outgoing, 'channel' | 'alarm'>) =>
  `${channel} ${alarm.dedupKey}`

export const isOpen = ({ status }: Outgoing) => status !== 'sent' && status !== 'failed'

export const asSent = ({ id: _, ...one }: Outgoing): Kept['outgoing'][number] => {
  return { ...one, status: 'sent', settledAt: clock.now() }
}

async function markSent(journal: Store, entry: string): Promise<void> {
  const own = (await journal.alarms(mostAlarms)).filter(({ alarm }) => alarm.entry === entry)
  await journal.adopt(journal.fence, { records: [], happenings: [], outgoing: own.map(asSent) })
}

async function untilTold(journal: Store, entry: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const waits = (await journal.alarms(mostAlarms)).some((one) => one.alarm.entry === entry && isOpen(one))
    if (!waits) return
    await clock.sleep(200, signal).catch(() => {})
  }
}
