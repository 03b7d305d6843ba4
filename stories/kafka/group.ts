import { count, duration, milliseconds, say, z } from 'healthz'
import { isLeft } from './groups.ts'
import type { GroupProgress } from './progress.ts'
import { step } from './target.ts'

/** What was seen of a group. */
interface Seen {
  /** Since when nobody has read what waits for it. */
  readonly leftSince: number | null
  /** How far it has come in all. */
  readonly committed: number
  /** At the last tellings, whether its members were about to be counted anew. */
  readonly rebalances: readonly boolean[]
}

/** The groups have members, who stay together. */
export const group = step({
  title: say`somebody reads in every consumer group`,
  on: ({ groups }) => groups.length > 0,
  limits: z.strictObject({
    after: duration('5m'),
    rebalances: z
      .int()
      .min(1)
      .meta({ description: 'of five tellings, so many within a rebalance' })
      .default(3),
  }),
  async check({ target, options, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const { groups, missing, untold } = await target.progress(signal)
    const before = recall<Readonly<Record<string, Seen>>>()?.value ?? {}
    const after: Record<string, Seen> = {}
    const watched = groups.filter(({ group }) => options.groups.some(({ name }) => name === group.name))
    for (const progress of watched) {
      const { name, state } = progress.group
      const seen = see(progress, before[name], now())
      after[name] = seen
      note(isLeft(progress.group) ? say`${name} has no members` : say`${name}: ${state}`)
      const age = seen.leftSince === null ? 0 : now() - seen.leftSince
      if (seen.leftSince !== null && age >= limits.after) {
        problem({
          key: name,
          severity: 'critical',
          summary: say`the group ${name} has had no members for ${milliseconds(age)} (limit ${milliseconds(limits.after)}) while ${count(waitingFor(progress), 'message')} wait`,
          advice: say`start its consumers; if they run, see in their logs why they cannot join`,
          evidence: { group: name, state, waiting: waitingFor(progress) },
        })
      }
      const shaken = seen.rebalances.filter(Boolean).length
      if (shaken < limits.rebalances) continue
      problem({
        key: `rebalance ${name}`,
        severity: 'warning',
        summary: say`the group ${name} was within a rebalance at ${shaken} of the last ${seen.rebalances.length} looks (limit ${limits.rebalances})`,
        advice: say`its members come and go: raise max.poll.interval.ms over what a batch takes, session.timeout.ms over their longest pause, and see whether they crash`,
        evidence: { group: name, state },
      })
    }
    for (const name of missing) {
      problem({
        key: name,
        severity: 'critical',
        summary: say`no broker knows the group ${name}`,
        advice: say`start its consumers, or correct its name in this entry`,
        evidence: { group: name },
      })
    }
    remember(after)
    const [reason] = untold
    if (reason !== undefined) cannotTell(reason)
  },
})

/** A consumer that chose its partitions itself is no member, but its commits move. */
function see(progress: GroupProgress, before: Seen | undefined, at: number): Seen {
  const committed = progress.steps.reduce((sum, step) => sum + (step.committed ?? 0), 0)
  const isAbandoned =
    isLeft(progress.group) &&
    waitingFor(progress) > 0 &&
    (before === undefined || before.committed === committed)
  const isShaken = progress.group.state === 'PreparingRebalance'
  return {
    leftSince: isAbandoned ? (before?.leftSince ?? at) : null,
    committed,
    rebalances: [...(before?.rebalances ?? []), isShaken].slice(-5),
  }
}

function waitingFor({ steps }: GroupProgress): number {
  return steps.reduce(
    (sum, { committed, end }) => sum + (committed === null ? 0 : Math.max(0, end - committed)),
    0,
  )
}
