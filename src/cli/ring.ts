import { readRecords } from '../cluster/scripts/scripts.ts'
import { shardOf } from '../cluster/shards.ts'
import type { ClusterPlan, ClusterRecords } from '../core/cluster.ts'
import type { Plan } from '../core/plan.ts'
import { count, render, say } from '../core/text.ts'
import { systemClock } from '../engine/system-clock.ts'
import { CommandFault, type Context } from './context.ts'
import { type Asking, asking } from './coordinator.ts'
import { loadConfiguration } from './load.ts'
import { type RingReport, ringText } from './report/ring-text.ts'
import { wrap } from './report/typography.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz ring`: 0 where there is a leader and nobody is missing, else 1. */
export async function ring(isWatching: boolean, options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  const cluster = clusterOf(plan)
  const asked = await asking(plan, cluster)
  await using _ = asked.link
  const look = () => lookAt(plan, cluster, asked)
  const first = await look()
  const { stdout } = context
  if (isWatching) {
    await watch(first, look, plan, options, context)
    return 0
  }
  const width = stdout.isTerminal ? Math.min(stdout.columns, 140) : 120
  const text = ringText(first, { width, colour: stdout.colour, language: plan.language })
  await stdout.write(options.format === 'json' ? `${JSON.stringify(first, null, 2)}\n` : text)
  return first.leader === null || first.lost.length > 0 ? 1 : 0
}

const [clearScreen, home, clearLine, clearBelow] = ['\x1b[H\x1b[2J', '\x1b[H', '\x1b[K', '\x1b[J']

/** Draws it anew each second until interrupted. While Redis is lost, it says so and goes on. */
async function watch(
  first: RingReport,
  look: () => Promise<RingReport>,
  { language }: Plan,
  { format }: RootOptions,
  { stdout, signal }: Context,
): Promise<void> {
  const isDrawn = stdout.isTerminal && format !== 'json'
  const told = (seen: RingReport | CommandFault): string => {
    if (format === 'json')
      return `${JSON.stringify(seen instanceof CommandFault ? { error: seen.message } : seen)}\n`
    const width = stdout.isTerminal ? Math.min(stdout.columns, 140) : 120
    if (seen instanceof CommandFault) return `${wrap(seen.message, width).join('\n')}\n`
    return ringText(seen, { width, colour: stdout.colour, language })
  }
  const drawn = (text: string): string => {
    const lines = text.trimEnd().split('\n')
    const room = Math.max(2, stdout.rows - 1)
    const more = render(say`and ${count(lines.length - room + 1, 'more line')}`, language)
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), more]
    return `${home}${shown.map((line) => `${line}${clearLine}\n`).join('')}${clearBelow}`
  }
  let seen: RingReport | CommandFault = first
  if (isDrawn) await stdout.write(clearScreen)
  while (!signal.aborted) {
    await stdout.write(isDrawn ? drawn(told(seen)) : told(seen))
    await systemClock.sleep(1000, signal).catch(() => {})
    if (!signal.aborted) seen = await look().catch(orFault)
  }
}

function orFault(error: unknown): CommandFault {
  if (error instanceof CommandFault) return error
  throw error
}

/** The cluster of a plan; a message for the person where it has none. */
export function clusterOf(plan: Plan): ClusterPlan {
  if (plan.cluster !== null) return plan.cluster
  throw new CommandFault(
    render(say`healthz: this configuration has no "cluster": this node is alone`, plan.language),
  )
}

async function lookAt(plan: Plan, cluster: ClusterPlan, { link, ask }: Asking): Promise<RingReport> {
  return ringReport(plan, cluster, await ask(() => readRecords(link, cluster.name, cluster.forgetAfter)))
}

function ringReport(plan: Plan, { name: cluster, shards, timing }: ClusterPlan, records: ClusterRecords) {
  const { leader, owners, changes } = records
  const shardsHeld = Map.groupBy(
    Object.entries(owners).filter(([seat]) => seat.startsWith('shard:')),
    ([, owner]) => owner,
  )
  // Epochs begin as the wall time at which they were granted.
  const since = changes.findLast(({ epoch }) => epoch === leader?.epoch)?.at ?? leader?.epoch ?? 0
  return {
    cluster,
    leader: leader && { ...leader, since: new Date(since).toISOString() },
    quarantineSeconds: records.quarantine / 1000,
    members: records.members.map((member) => ({
      name: member.name,
      state: member.state,
      isLeader: member.name === leader?.name,
      beatAgeSeconds: member.beatAge / 1000,
      isSilent: member.beatAge > timing.valid,
      shards: shardsHeld.get(member.name)?.length ?? 0,
      roles: member.roles,
      address: member.address,
      version: member.version,
      config: member.config,
      isOtherConfig: member.config !== plan.hash,
    })),
    lost: records.lost.map(({ name, at, host }) => ({ name, host, at: new Date(at).toISOString() })),
    isolated: records.isolated.map(({ name, fault }) => ({ name, fault })),
    shards,
    entries: plan.entries.map(({ name, scope, spread, role }) => {
      const holder = spread === 'leader' ? leader?.name : owners[`shard:${shardOf(name, shards)}`]
      return { name, scope, owner: scope === 'cluster' ? (holder ?? null) : null, role }
    }),
  } satisfies RingReport
}
