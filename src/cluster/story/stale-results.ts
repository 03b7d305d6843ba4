import type { ClusterRecords } from '../../core/cluster.ts'
import { nameOn } from '../../core/entry-name.ts'
import type { Entry } from '../../core/plan.ts'
import type { EntryRecord } from '../../core/store.ts'
import type { Problem, Step } from '../../core/story.ts'
import { count, milliseconds, type Said, say } from '../../core/text.ts'
import { dueAfter } from './due-after.ts'
import { isWatching } from './lasting.ts'
import { clusterLimits } from './limits.ts'
import { activeOf, type ClusterStoryPorts } from './ports.ts'

/** By record: when it was told (-1: never), when that was first seen here, when another is due, and its pace. */
type Seen = Readonly<Record<string, readonly [told: number, since: number, due: number, pace: string]>>

interface Expected {
  /** The record's name. */
  readonly name: string
  readonly entry: Entry
  readonly owner: string | null
}

interface Stale extends Expected {
  /** For how long no newer result was seen here, in milliseconds. */
  readonly silentFor: number
  readonly isNever: boolean
}

/**
 * No news is not good news: an entry that nobody tells any more would stay as green as it was. Ages are not read off
 * the records, which bear the times of other nodes' clocks: what counts is how long this watch has seen no newer one.
 * So a cluster, a node or an entry that has just come has its time too.
 */
export function staleResults(ports: ClusterStoryPorts): Step {
  return {
    title: say`every entry is told in time`,
    async check({ now, recall, remember, note, problem }) {
      const [known, records] = await Promise.all([ports.records(), ports.entries()])
      const expected = expectedOf(known, ports)
      const kept = new Map(records.map((record) => [record.name, record]))
      const at = now()
      const before = recall<Seen>()
      const seen = before !== null && isWatching(before, at, ports.every) ? before.value : {}
      const after = await look(expected, kept, seen, at)
      remember(after)
      const stale = expected.flatMap((one) => staleOf(one, after, kept.get(one.name), at))
      note(say`${count(expected.length, 'entry', 'entries')} looked at`)
      const byOwner = Map.groupBy(stale, ({ owner }) => owner)
      for (const [owner, silent] of byOwner) problem(silence(owner, silent))
    },
  }
}

/** What should be told now: each entry of the cluster once, and those of nodes by every active node of their role. */
function expectedOf(known: ClusterRecords, { plan, ownerOf }: ClusterStoryPorts): readonly Expected[] {
  return plan.entries.flatMap((entry): Expected[] => {
    if (entry.scope === 'cluster') {
      const owner = entry.spread === 'leader' ? (known.leader?.name ?? null) : ownerOf(entry.name)
      return [{ name: entry.name, entry, owner }]
    }
    return activeOf(known)
      .filter(({ roles }) => entry.role === null || roles.includes(entry.role))
      .map((node) => ({ name: nameOn(entry.name, node.name), entry, owner: node.name }))
  })
}

async function look(
  expected: readonly Expected[],
  kept: ReadonlyMap<string, EntryRecord>,
  before: Seen,
  at: number,
): Promise<Seen> {
  const pairs = expected.map(async ({ name, entry }) => {
    const told = kept.get(name)?.at ?? -1
    const pace = 'every' in entry.pace ? String(entry.pace.every) : entry.pace.cron
    const known = before[name]
    if (known !== undefined && known[0] === told && known[3] === pace) return [name, known] as const
    return [name, [told, at, at + (await allowance(entry)), pace]] as const
  })
  return Object.fromEntries(await Promise.all(pairs))
}

/** How long after one result another must have come. */
async function allowance({ pace, deadlines }: Entry): Promise<number> {
  const { staleIntervals, staleGrace } = clusterLimits
  const intervals = 'every' in pace ? staleIntervals * pace.every : await dueAfter(pace, staleIntervals)
  return intervals + pace.jitter + deadlines.story + staleGrace
}

function staleOf(one: Expected, seen: Seen, record: EntryRecord | undefined, at: number): Stale[] {
  const [told, since, due] = seen[one.name] ?? [0, at, at]
  const cures = Object.values(record?.state.problems ?? {}).some(({ cure }) => cure !== null)
  const late = at - due - (cures && one.entry.resolve.mode !== 'off' ? clusterLimits.cureTime : 0)
  return late > 0 ? [{ ...one, silentFor: at - since, isNever: told === -1 }] : []
}

/** One cause, one problem: what one node does not tell. */
function silence(owner: string | null, stale: readonly Stale[]): Problem {
  const sorted = stale.toSorted((a, b) => b.silentFor - a.silentFor)
  const longest = milliseconds(sorted[0]?.silentFor ?? 0)
  const entries = shortened(sorted)
  const base = {
    severity: 'critical' as const,
    evidence: {
      owner,
      entries: stale.length,
      longestSeconds: Math.round((sorted[0]?.silentFor ?? 0) / 1000),
      never: stale.filter(({ isNever }) => isNever).length,
    },
  }
  if (owner === null) {
    return {
      ...base,
      summary: say`nobody tells ${count(stale.length, 'entry', 'entries')}: for ${longest} nothing new of ${entries}`,
      advice: say`what was seen of them last may no longer be true. No node holds their shards: healthz ring shows who holds what; see why the nodes there take no more`,
    }
  }
  return {
    ...base,
    key: owner,
    summary: say`${owner} has told nothing new of ${count(stale.length, 'entry', 'entries')} for ${longest}: ${entries}`,
    advice: say`what was seen of them last may no longer be true. Look in the log of healthz on ${owner} for rounds that fail or hang; restarting it there lets another node take over what is not about the node itself`,
  }
}

function shortened(stale: readonly Stale[]): readonly (Said | string)[] {
  const named = stale.slice(0, 5).map(({ name, isNever, entry: { pace } }): Said => {
    if (isNever) return say`${name} (never told)`
    if ('every' in pace) return say`${name} (due every ${milliseconds(pace.every)})`
    return say`${name} (due by ${pace.cron})`
  })
  return stale.length > 5 ? [...named, say`and ${stale.length - 5} more`] : named
}
