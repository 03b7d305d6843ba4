import { count, duration, isNamed, type StepContext, say, type Text, z } from 'healthz'
import { isLeft } from './groups.ts'
import { type Lag, type PartitionLag, wordsOnLag } from './lag-words.ts'
import type { Options, WatchedGroup } from './options.ts'
import { keep, type Moment, paceOf } from './pace.ts'
import { admitHidden } from './picture.ts'
import type { GroupProgress } from './progress.ts'
import { type Cluster, step } from './target.ts'
import { startWorker } from './worker.ts'

const limits = z.strictObject({
  window: duration('10m').meta({ description: 'how long a group must be behind without getting on' }),
  allowed: z.int().min(0).meta({ description: 'so many messages of a partition may always wait' }).default(0),
  max: z
    .int()
    .min(0)
    .meta({ description: 'so many messages of a topic may wait for a group' })
    .default(10_000),
})

type Limits = z.output<typeof limits>

/** The last moments of each partition, by group, topic and partition. */
type Kept = Readonly<Record<string, readonly Moment[]>>

/** The groups get on, and are not far behind. */
export const lag = step({
  title: say`the consumer groups keep up`,
  on: ({ groups }) => groups.length > 0,
  limits,
  cures: [{ title: say`start the worker of the group with supervisord`, consent: 'auto' }],
  async check(context) {
    const { target, options, limits, signal, recall, remember, cannotTell } = context
    const [picture, { groups, missing, untold }] = await Promise.all([
      target.picture(signal),
      target.progress(signal),
    ])
    const before = recall<Kept>()?.value ?? {}
    const kept: Record<string, readonly Moment[]> = {}
    const silent: Text[] = []
    for (const progress of groups) {
      const watched = options.groups.find(({ name }) => name === progress.group.name)
      if (watched === undefined) continue
      const lags = lagsOf(progress, watched, before, limits, context.now())
      if (progress.isTold) silent.push(...silenceOf(watched, lags))
      for (const found of lags) {
        for (const { id, moments } of found.partitions) kept[placeOf(found, id)] = moments
        tell(found, watched, context)
      }
    }
    remember(kept)
    admitHidden(picture, options, cannotTell)
    const [reason] = untold
    if (reason !== undefined) cannotTell(reason)
    if (missing.length > 0)
      cannotTell(say`no broker knows the group ${[...missing]}: it has never committed, or too long ago`)
    if (silent.length > 0) cannotTell(say`nothing has been committed by ${silent}, so the lag is not known`)
  },
})

function lagsOf(
  { group, steps }: GroupProgress,
  { topics }: WatchedGroup,
  before: Kept,
  limits: Limits,
  at: number,
): readonly Lag[] {
  const own = steps.filter(({ topic }) => isNamed(topic, topics))
  return [...Map.groupBy(own, ({ topic }) => topic)].map(([topic, parts]) => {
    const place = { group: group.name, topic }
    const partitions = parts.flatMap(({ partition, committed, end }): PartitionLag[] => {
      // What was never committed is not known; it is not "nothing read yet".
      if (committed === null) return []
      const waiting = Math.max(0, end - committed)
      const moments = keep(before[placeOf(place, partition)] ?? [], [at, committed, waiting], limits)
      return [{ topic, id: partition, waiting, moments, pace: paceOf(moments, limits) }]
    })
    const formers = parts.flatMap(({ partition }) => before[placeOf(place, partition)]?.at(-1)?.[2] ?? [])
    return {
      ...place,
      total: sum(partitions.map(({ waiting }) => waiting)),
      former: formers.length === 0 ? null : sum(formers),
      partitions,
      unknown: parts.filter(({ committed, start, end }) => committed === null && end > start).length,
      isLeft: isLeft(group),
    }
  })
}

/** The group, or the topics of it that are named, where it has never committed: what waits there is not known. */
function silenceOf({ name, topics }: WatchedGroup, lags: readonly Lag[]): readonly Text[] {
  if (lags.length === 0) return [name]
  const named = topics.filter((pattern) => !pattern.includes('*'))
  return named
    .filter((topic) => !lags.some((known) => known.topic === topic))
    .map((topic) => say`${name} in ${topic}`)
}

const placeOf = ({ group, topic }: Pick<Lag, 'group' | 'topic'>, partition: number) =>
  `${group}/${topic} ${partition}`

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

function tell(
  found: Lag,
  watched: WatchedGroup,
  { target, options, limits, note, grade, problem }: StepContext<Cluster, Options, Limits>,
): void {
  const key = `${found.group}/${found.topic}`
  const max = watched.lagMax ?? limits.max
  note(say`${found.group} is ${count(found.total, 'message')} behind in ${found.topic}`)
  if (found.unknown > 0)
    note(say`${found.group} has never committed in ${count(found.unknown, 'partition')} of ${found.topic}`)
  const isLong = grade(found.total, { warning: max }, key) !== null
  const told = wordsOnLag(found, { max: isLong ? max : null, window: limits.window })
  if (told === null) return
  const { worker } = options
  const mayStart = worker !== undefined && found.isLeft && isNamed(found.group, worker.groups)
  problem({ key, ...told, ...(mayStart && { resolve: startWorker(worker, target, found.group) }) })
}
