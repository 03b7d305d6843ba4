import { candidates } from '../cluster/shards.ts'
import { isLeaderless, noLeader } from '../cluster/story/leader.ts'
import type { ClusterView } from '../core/cluster.ts'
import type { Entry } from '../core/plan.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import { soleTerm } from '../engine/term.ts'
import { type EmergencyPorts, emergencyEngine, outageEntry, speakOf } from './outage.ts'

export interface LeaderlessPorts extends EmergencyPorts {
  readonly watch: Entry
  readonly view: () => ClusterView
  /** Gives the cluster's store what the journal has: the next leader has to know what was said. */
  readonly replay: () => Promise<void>
}

/**
 * Sees to it that somebody says so when nobody leads although Redis answers: the node that should have led. The next
 * leader tells the end of it.
 */
export async function watchLeadership(ports: LeaderlessPorts, signal: AbortSignal): Promise<void> {
  const { view, cluster } = ports
  const { beat } = cluster.timing
  let since = clock.elapsed()
  let lastEpoch = 0
  let speaking: AbortController | null = null
  let ended = Promise.resolve()
  while (!signal.aborted) {
    const seen = view()
    if (seen.leader !== null || seen.mode === 'degraded') {
      since = clock.elapsed()
      lastEpoch = seen.leader?.epoch ?? lastEpoch
      speaking?.abort()
      speaking = null
    }
    const lasting = clock.elapsed() - since
    if (speaking === null && isLeaderless({ view: seen, lasting }, cluster.timing) && isFirst(seen)) {
      await ended
      speaking = new AbortController()
      ended = speak(
        ports,
        () => clock.elapsed() - since,
        lastEpoch,
        AbortSignal.any([speaking.signal, signal]),
      )
    }
    await clock.sleep(beat, signal).catch(() => {})
  }
  speaking?.abort()
  await ended
}

/** Whether this node should have led. */
function isFirst({ members, self }: ClusterView): boolean {
  const active = members.filter(({ state }) => state === 'active').map(({ name }) => name)
  return (candidates(active)[0] ?? self) === self
}

async function speak(
  ports: LeaderlessPorts,
  lasting: () => number,
  lastEpoch: number,
  until: AbortSignal,
): Promise<void> {
  const { journal, watch, view, observe, cluster } = ports
  const engine = emergencyEngine([], ports)
  const entry = outageEntry(watch, 'leader', () => noLeader({ view: view(), lasting: lasting(), lastEpoch }))
  const sole = soleTerm(journal.fence, until)
  // Asked before every send: this process may have been stopped since.
  const isStill = () => isLeaderless({ view: view(), lasting: lasting() }, cluster.timing)
  const term = { ...sole, isOver: () => sole.isOver() || !isStill() }
  const { told, ended } = speakOf(entry, true, { engine, journal, term, until })
  try {
    await Promise.all([told, ended])
    await ports.replay()
  } catch (error) {
    observe({ type: 'round-failed', entry: 'cluster', error })
  }
}
