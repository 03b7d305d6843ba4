import type { ClusterRecords, ClusterTiming, ClusterView } from '../../core/cluster.ts'
import type { Finding } from '../../core/outcome.ts'
import type { Problem, Step } from '../../core/story.ts'
import { milliseconds, type Said, say } from '../../core/text.ts'
import { clusterLimits } from './limits.ts'
import { type ClusterStoryPorts, redisTime } from './ports.ts'

/**
 * Whoever tells this leads, so it tells of no absence: a node that sees no leader raises `noLeader` itself, and the
 * next leader's telling ends it. Of two leaders it sees what Redis wrote down: terms that do not rise, and a term that
 * this node saw and Redis has lost. Two servers that both act as master are two truths, of which each side sees one;
 * and what an older leader still writes is refused by the store before anybody could tell of it.
 */
export function leader({ view, records }: ClusterStoryPorts): Step {
  return {
    title: say`one node leads`,
    async check({ now, note, problem, cannotTell }) {
      const known = await records()
      const seen = view()
      if (known.leader === null) return cannotTell(say`the leadership is changing hands`)
      note(say`${known.leader.name} leads`)
      const recent = redisTime(known, seen, now()) - clusterLimits.changesWithin
      const words = forked(known, seen) ?? steppedBack(known, recent)
      if (words !== null) problem(split(words, known, seen))
    },
  }
}

function split(summary: Said, { leader }: ClusterRecords, { leader: seen }: ClusterView): Problem {
  return {
    key: 'split',
    severity: 'critical',
    summary,
    advice: say`see whether two Redis servers act as master (INFO replication on each of them), or data of a backup were restored, and let one of them remain; cures of the last minutes may have been done twice. "cluster.minReplicas: 1" keeps a master that was cut off from serving`,
    evidence: { leader: leader?.name ?? null, epoch: leader?.epoch ?? null, seenEpoch: seen?.epoch ?? null },
  }
}

/** What Redis says of the leader against what this node has seen: its view may be older, never newer. */
function forked({ leader: written }: ClusterRecords, { leader: seen }: ClusterView): Said | null {
  if (written === null || seen === null) return null
  if (written.epoch === seen.epoch && written.name !== seen.name)
    return say`two nodes lead in the same term ${String(seen.epoch)}: ${seen.name} and ${written.name}`
  if (written.epoch >= seen.epoch) return null
  return say`the coordinating Redis names ${written.name} as leader in term ${String(written.epoch)}, but ${seen.name} has led in the later term ${String(seen.epoch)}: Redis has lost data, or there are two`
}

function steppedBack({ changes }: ClusterRecords, since: number): Said | null {
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1]
    if (before === undefined || change.at < since || change.epoch > before.epoch) continue
    return say`${change.name} became leader in term ${String(change.epoch)}, which is no later than term ${String(before.epoch)} of ${before.name} before it: the data of the coordinating Redis went back`
  }
  return null
}

/** What a node knows that sees nobody lead although Redis answers. Lengths in milliseconds. */
export interface Leaderless {
  readonly view: ClusterView
  readonly lasting: number
  /** The highest epoch it knows: it gives the alarms of several nodes the same key. */
  readonly lastEpoch: number
}

/**
 * Whether it is time to say so. While Redis is lost that is told instead; a node that is not a member yet waits, and
 * so does one whose last heartbeat is old: it was stopped perhaps, and does not know who leads now.
 */
export function isLeaderless(
  { view, lasting }: Omit<Leaderless, 'lastEpoch'>,
  { lease, valid }: Pick<ClusterTiming, 'lease' | 'valid'>,
): boolean {
  const isMember = view.mode === 'member' || view.mode === 'recovering'
  return (
    isMember &&
    view.fault === null &&
    view.leader === null &&
    view.lastBeatAge !== null &&
    view.lastBeatAge < valid &&
    lasting > clusterLimits.leaderlessLeases * lease
  )
}

/** The problem of the step `leader` with the key '': nobody leads. */
export function noLeader({ view, lasting, lastEpoch }: Leaderless): Finding {
  const active = view.members.filter(({ state }) => state === 'active').map(({ name }) => name)
  return {
    key: '',
    severity: 'critical',
    summary: say`no node has led the cluster for ${milliseconds(lasting)}, although the coordinating Redis answers ${view.self}: ${whyNobody(view, active)}`,
    advice: say`healthz ring on any node shows who is there and who leads; look at the logs of these nodes for why none takes the lead, and restart healthz on one of them if they do not say`,
    evidence: {
      lastingSeconds: Math.round(lasting / 1000),
      active: active.join(', '),
      quarantineMs: view.quarantine,
    },
    confirm: 1,
    ...(lastEpoch > 0 && { spell: lastEpoch }),
  }
}

function whyNobody({ quarantine }: ClusterView, active: readonly string[]): Said {
  if (quarantine > 0)
    return say`nobody may take over for another ${milliseconds(quarantine)}, because Redis was restarted or lost its data, perhaps again and again`
  if (active.length === 0) return say`none of the nodes is active`
  return say`${active} could`
}
