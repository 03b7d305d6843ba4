import { duration, milliseconds, type Problem, say, type Text, z } from 'healthz'
import { principalOf, readTopics, type Topic } from './picture.ts'
import { readPositions } from './positions.ts'
import { isWithin, quietHours } from './quiet-hours.ts'
import { type Cluster, step } from './target.ts'

const limits = z.strictObject({
  quiet: duration('5m').meta({ description: 'for so long nothing may come' }),
  maxAge: duration('10m').meta({ description: 'so old the newest message may be, by its own timestamp' }),
  quietHours: quietHours(),
})

type Limits = z.output<typeof limits>

/** How far a topic reached, in all its partitions, and since when. */
interface End {
  readonly end: number
  readonly since: number
}

/** Messages come in, and they are new ones. */
export const fresh = step({
  title: say`messages keep coming in`,
  on: (options) => options.fresh.length > 0,
  limits,
  async check({ target, options, limits, signal, now, note, recall, remember, problem, cannotTell }) {
    const { topics, missing, hidden } = await readTopics(target.link, options.fresh, signal)
    const { tails, untold } = await readTails(target, topics, signal)
    const before = recall<Readonly<Record<string, End>>>()?.value ?? {}
    const isQuietHour = limits.quietHours !== undefined && isWithin(limits.quietHours, now())
    const after: Record<string, End> = {}
    for (const { topic, end, newest } of tails) {
      const known = before[topic]
      const since = known?.end === end ? known.since : now()
      after[topic] = { end, since }
      const [quiet, age] = [now() - since, newest === null ? null : now() - newest]
      if (age !== null) note(say`the newest message of ${topic} is ${milliseconds(age)} old`)
      const told = isQuietHour ? null : wordsOn(topic, quiet, age, limits)
      if (told !== null) problem({ key: topic, ...told, evidence: { topic, end, newest, quiet } })
    }
    if (isQuietHour) note(say`nothing need come in at this hour`)
    for (const topic of missing) {
      problem({
        key: topic,
        severity: 'critical',
        summary: say`the topic ${topic} does not exist`,
        advice: say`create it again, or correct its name in this entry`,
        evidence: { topic },
      })
    }
    remember(after)
    if (hidden.length > 0) {
      cannotTell(
        say`${principalOf(options)} may not see the topics ${[...hidden]}; run: kafka-acls --add --allow-principal ${principalOf(options)} --operation Describe --topic ${hidden[0] ?? ''}`,
      )
    }
    const [reason] = untold
    if (reason !== undefined) cannotTell(reason)
  },
})

interface Tail {
  readonly topic: string
  readonly end: number
  /** The newest timestamp of its messages; null where it is not known. */
  readonly newest: number | null
}

async function readTails(target: Cluster, topics: readonly Topic[], signal: AbortSignal) {
  const { brokers } = await target.picture(signal)
  const picture = { brokers, topics }
  const wanted = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ id }) => ({ topic: name, partition: id })),
  )
  const [ends, newests] = await Promise.all([
    readPositions(target, picture, wanted, 'end', signal),
    readPositions(target, picture, wanted, 'newest', signal),
  ])
  const tails = topics.flatMap(({ name, partitions }): Tail[] => {
    const own = partitions.map(({ id }) => ends.of(name, id)?.offset)
    // Where one partition is not read, the sum would stand still or jump.
    if (own.some((offset) => offset === undefined)) return []
    const times = partitions.flatMap(({ id }) => newests.of(name, id)?.timestamp ?? [])
    const newest = Math.max(-1, ...times)
    return [
      {
        topic: name,
        end: own.reduce<number>((sum, offset) => sum + (offset ?? 0), 0),
        newest: newest < 0 ? null : newest,
      },
    ]
  })
  const unread = topics.filter(({ name }) => !tails.some(({ topic }) => topic === name))
  return {
    tails,
    untold: [
      ...ends.untold,
      ...newests.untold,
      ...unread.map(({ name }) => say`not all partitions of ${name} can be read`),
    ],
  }
}

function wordsOn(
  topic: string,
  quiet: number,
  age: number | null,
  { quiet: mostQuiet, maxAge }: Limits,
): Pick<Problem, 'severity' | 'summary' | 'advice'> | null {
  const isSilent = quiet >= mostQuiet
  const silence = say`nothing has come into ${topic} for ${milliseconds(quiet)} (limit ${milliseconds(mostQuiet)})`
  const look = say`see whether its producers run and reach Kafka`
  if (age !== null && age >= maxAge) {
    const old: Text = say`the newest message of ${topic} is ${milliseconds(age)} old (limit ${milliseconds(maxAge)})`
    return {
      severity: 'critical',
      summary: isSilent ? say`${silence}, ${old}` : old,
      advice: isSilent
        ? look
        : say`${look}; if messages still come, see what holds them up before that, and the clocks of the producers`,
    }
  }
  if (!isSilent) return null
  return {
    severity: age === null && quiet >= maxAge ? 'critical' : 'warning',
    summary: silence,
    advice: look,
  }
}
