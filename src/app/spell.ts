import type { Degraded } from '../cluster/degraded.ts'
import type { Outage } from '../cluster/picker/types.ts'
import { coordinationLost } from '../cluster/story/coordination.ts'
import { isEnd, problemOf } from '../core/alarm.ts'
import type { ClusterView } from '../core/cluster.ts'
import type { Entry } from '../core/plan.ts'
import type { Outgoing } from '../core/store.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import { soleTerm } from '../engine/term.ts'
import {
  asSent,
  type EmergencyPorts,
  emergencyEngine,
  isOpen,
  keyOf,
  mostAlarms,
  outageEntry,
  speakOf,
} from './outage.ts'
import { entriesHere } from './shift.ts'

/** How often a node that is not the voice hands its alarms over, in milliseconds. */
const handOverEvery = 1000

/** One outage, as this node lives through it. */
export interface Spell {
  /** This node is the voice of all that it can reach. `isNew`: people have not been told of this outage. */
  speak(outage: Outage, isNew: boolean): void
  /** Who can be reached, or who the voice is, may have changed. */
  changed(): void
  /** There are alarms to send. */
  wake(): void
  /** Resolves when all work has ended. */
  end(): Promise<void>
}

export interface SpellPorts extends EmergencyPorts {
  readonly watch: Entry
  readonly view: () => ClusterView
  readonly degraded: Degraded | null
  /** null: nobody can tell the entry, or not yet. */
  readonly ownerOf: (entry: Entry) => string | null
  /** All nodes that this one knows of, itself included. */
  readonly names: readonly string[]
  /** Wall milliseconds of the last heartbeat that was taken. */
  readonly since: number
}

export function beginSpell(ports: SpellPorts): Spell {
  const { plan, watch, cluster, journal, view, observe, degraded, ownerOf, names, since } = ports
  const ending = new AbortController()
  const entries = entriesHere(plan)
  const engine = emergencyEngine(entries, ports)
  const term = soleTerm(journal.fence, ending.signal)
  const works = new Set<Promise<void>>()
  const telling = new Map<string, AbortController>()
  let speaking: AbortController | null = null

  function track(work: Promise<void>): void {
    const safe = work.catch((error) => {
      if (!ending.signal.aborted) observe({ type: 'round-failed', entry: 'cluster', error })
    })
    works.add(safe)
    void safe.finally(() => works.delete(safe))
  }

  /** Whether this node tells an entry now. */
  function isOurs(entry: Entry): boolean {
    const owner = ownerOf(entry)
    if (owner === null) return false
    if (entry.scope === 'node' || degraded === null) return owner === plan.node
    return degraded.runs(owner)
  }

  function reconcile(): void {
    for (const entry of entries) {
      const running = telling.get(entry.name)
      if (isOurs(entry) === (running !== undefined)) continue
      if (running !== undefined) {
        running.abort()
        telling.delete(entry.name)
        continue
      }
      const until = new AbortController()
      telling.set(entry.name, until)
      track(engine.watch([entry], term, 'no', until.signal))
    }
    if (degraded !== null && !degraded.isVoice()) {
      speaking?.abort()
      speaking = null
    }
  }

  /** What the nodes know of each other now. */
  function found(outage: Outage) {
    const nodes = degraded?.nodes() ?? [{ name: plan.node, isReachable: true }]
    const unasked = degraded === null ? names : []
    return coordinationLost({
      fault: view().fault ?? 'other',
      since,
      reachable: nodes.filter((one) => one.isReachable).map(({ name }) => name),
      missing: [
        ...nodes.filter((one) => !one.isReachable).map(({ name }) => name),
        ...unasked.filter((name) => name !== plan.node),
      ],
      lastEpoch: outage.lastEpoch,
      redis: cluster.redis,
    })
  }

  async function handOver(among: Degraded): Promise<void> {
    while (!ending.signal.aborted) {
      if (!among.isVoice()) {
        const alarms = await journal.alarms(mostAlarms)
        const due = alarms.filter(isDue)
        const given = alarms.filter((one) => due.includes(one) || isEndBefore(one, due))
        const { sent, declined } = await among.forward(given.toReversed().map(({ id: _, ...one }) => one))
        const keys = new Set(sent.map(({ channel, dedupKey }) => `${channel} ${dedupKey}`))
        const outgoing = due.filter((one) => keys.has(keyOf(one))).map(asSent)
        if (outgoing.length + declined.length > 0)
          await journal.adopt(journal.fence, { records: [], happenings: [], outgoing, declined })
      }
      await clock.sleep(handOverEvery, ending.signal).catch(() => {})
    }
  }

  reconcile()
  if (degraded !== null) track(handOver(degraded))

  return {
    speak(outage, isNew) {
      if (speaking !== null || ending.signal.aborted) return
      speaking = new AbortController()
      const until = AbortSignal.any([speaking.signal, ending.signal])
      const entry = outageEntry(watch, 'coordination', () => found(outage))
      const { told, ended } = speakOf(entry, isNew, { engine, journal, term, until })
      track(ended)
      track(told.then(() => (until.aborted ? undefined : degraded?.told(outage))))
    },
    changed: reconcile,
    wake: () => engine.courier.wake(),
    async end() {
      ending.abort('Redis is back')
      while (works.size > 0) await Promise.all(works)
    },
  }
}

/** Whether it ended the problem of one that is due: the voice may not know yet that the spell before is over. */
function isEndBefore({ status, alarm }: Outgoing, due: readonly Outgoing[]): boolean {
  const isSame = (one: Outgoing) => problemOf(one.alarm.occurrence) === problemOf(alarm.occurrence)
  return status === 'sent' && isEnd(alarm) && due.some(isSame)
}

const isDue = (one: Outgoing) => isOpen(one) && one.due <= clock.now()
