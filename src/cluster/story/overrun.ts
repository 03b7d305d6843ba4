import { nameOn } from '../../core/entry-name.ts'
import type { Entry } from '../../core/plan.ts'
import type { EntryRecord } from '../../core/store.ts'
import type { Step } from '../../core/story.ts'
import { count, milliseconds, type Said, say } from '../../core/text.ts'
import { clusterLimits } from './limits.ts'
import { activeOf, type ClusterStoryPorts } from './ports.ts'

/** By incarnation of a node: the count at the last look, and by how much it grew, minute by minute. */
type Counts = Readonly<Record<string, { readonly seen: number; readonly grown: readonly Growth[] }>>
type Growth = readonly [at: number, by: number]

/** Rounds are left out where an entry takes longer than its interval: what it would have found is found late. */
export function overrun({ records, entries, ownerOf, plan }: ClusterStoryPorts): Step {
  const { overruns: limit, overrunsWithin } = clusterLimits
  return {
    title: say`every node keeps up with its entries`,
    // What it counts has happened, several times.
    confirm: 1,
    async check({ now, recall, remember, note, problem }) {
      const at = now()
      const before = recall<Counts>()?.value ?? {}
      const active = activeOf(await records()).filter(({ vitals }) => vitals !== null)
      const after: Counts = Object.fromEntries(
        active.map(({ key, vitals }) => [key, countOn(before[key], vitals?.overruns ?? 0, at)]),
      )
      remember(after)
      const leftOut = (key: string) => (after[key]?.grown ?? []).reduce((sum, [, by]) => sum + by, 0)
      const late = active.filter(({ key }) => leftOut(key) >= limit)
      if (active.length > 0) note(say`${count(active.length, 'node')} looked at`)
      if (late.length === 0) return
      const kept = await entries()
      for (const { key, name, host } of late) {
        const slow = slowOn(name, plan.entries, kept, ownerOf)
        problem({
          key: name,
          severity: 'warning',
          summary: say`${name} left out ${count(leftOut(key), 'round')} within ${milliseconds(overrunsWithin)}, because the ones before had not ended`,
          advice:
            slow.length === 0
              ? say`look at the load of ${host}; tell its entries less often ("every"), or add a node`
              : say`these take longer than their interval: ${slow}; find out why, or tell them less often ("every")`,
          evidence: { node: name, host, leftOut: leftOut(key) },
        })
      }
    },
  }
}

const bucket = 60_000

/** A node that was restarted counts from 0 again, under another key. */
function countOn(before: Counts[string] | undefined, seen: number, at: number): Counts[string] {
  if (before === undefined) return { seen, grown: [] }
  const recent = before.grown.filter(([since]) => at >= since && at - since <= clusterLimits.overrunsWithin)
  const by = Math.max(0, seen - before.seen)
  const last = recent.at(-1)
  if (by === 0) return { seen, grown: recent }
  if (last === undefined || at - last[0] >= bucket) return { seen, grown: [...recent, [at, by]] }
  return { seen, grown: [...recent.slice(0, -1), [last[0], last[1] + by]] }
}

/** The entries of a node whose last round took longer than their interval, the slowest first. */
function slowOn(
  node: string,
  entries: readonly Entry[],
  records: readonly EntryRecord[],
  ownerOf: ClusterStoryPorts['ownerOf'],
): readonly Said[] {
  const kept = new Map(records.map((record) => [record.name, record]))
  const slow = entries.flatMap(({ name, scope, pace }) => {
    if (scope === 'cluster' && ownerOf(name) !== node) return []
    const took = kept.get(scope === 'node' ? nameOn(name, node) : name)?.took ?? 0
    return 'every' in pace && took > pace.every ? [{ name, took, every: pace.every }] : []
  })
  return slow
    .toSorted((a, b) => b.took - a.took)
    .slice(0, 5)
    .map(({ name, took, every }) => say`${name} (${milliseconds(took)} of ${milliseconds(every)})`)
}
