import { ConnectionFailure, say, type Text } from 'healthz'
import type { Access } from './access.ts'
import { type Group, type GroupList, groupsNotPermitted } from './groups.ts'
import type { Link } from './link.ts'
import type { Options } from './options.ts'
import { readPositions } from './positions.ts'
import { codes } from './protocol.ts'

/** How far a group has come in one partition. */
export interface Step {
  readonly topic: string
  readonly partition: number
  /** The next message that it will take; null where it has never said so. */
  readonly committed: number | null
  /** The first message that is left. */
  readonly start: number
  /** Where the next message will come. */
  readonly end: number
}

export interface GroupProgress {
  readonly group: Group
  /** In the topics of which it has committed something. */
  readonly steps: readonly Step[]
  /** Whether it is known what it has committed. */
  readonly isTold: boolean
}

export interface Progress {
  readonly groups: readonly GroupProgress[]
  readonly missing: readonly string[]
  readonly untold: readonly Text[]
}

/**
 * The committed offsets, and only then the ends of the logs: the other way round a busy group would seem to be ahead
 * of its log.
 */
export async function readProgress(
  access: Access,
  readGroups: (signal: AbortSignal) => Promise<GroupList>,
  signal: AbortSignal,
): Promise<Progress> {
  const [picture, { groups, missing, untold }] = await Promise.all([
    access.picture(signal),
    readGroups(signal),
  ])
  const committed = await Promise.all(groups.map((group) => committedOf(group, access.options, signal)))
  const topics = new Set(committed.flatMap(({ offsets }) => offsets.map(({ topic }) => topic)))
  const wanted = picture.topics
    .filter(({ name }) => topics.has(name))
    .flatMap(({ name, partitions }) => partitions.map(({ id }) => ({ topic: name, partition: id })))
  const [starts, ends] = await Promise.all([
    readPositions(access, picture, wanted, 'start', signal),
    readPositions(access, picture, wanted, 'end', signal),
  ])
  const stepsOf = (offsets: readonly Committed[]): readonly Step[] => {
    const own = new Set(offsets.map(({ topic }) => topic))
    return wanted
      .filter(({ topic }) => own.has(topic))
      .flatMap(({ topic, partition }) => {
        const [start, end] = [starts.of(topic, partition)?.offset, ends.of(topic, partition)?.offset]
        if (start === undefined || end === undefined || end < 0) return []
        const at = offsets.find((offset) => offset.topic === topic && offset.partition === partition)
        return { topic, partition, committed: at?.offset ?? null, start, end }
      })
  }
  return {
    groups: groups.map((group, index) => ({
      group,
      steps: stepsOf(committed[index]?.offsets ?? []),
      isTold: committed[index]?.untold === null,
    })),
    missing,
    untold: [...new Set([...untold, ...committed.flatMap((told) => told.untold ?? []), ...starts.untold])],
  }
}

export interface Committed {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
}

/** What a group has committed, in all topics. */
export async function committedOf(
  { name, link }: Group,
  options: Options,
  signal: AbortSignal,
): Promise<{ readonly offsets: readonly Committed[]; readonly untold: Text | null }> {
  try {
    const own = await askCommitted(link, name, signal)
    if (own === undefined || own.errorCode !== 0)
      return { offsets: [], untold: whyUntold(name, own?.errorCode, options) }
    return {
      offsets: own.topics.flatMap((topic) =>
        topic.partitions.map(({ partitionIndex, committedOffset, errorCode }) => ({
          topic: topic.name,
          partition: partitionIndex,
          offset: errorCode !== 0 || committedOffset < 0n ? null : Number(committedOffset),
        })),
      ),
      untold: null,
    }
  } catch (error) {
    if (error instanceof ConnectionFailure) return { offsets: [], untold: error.summary }
    throw error
  }
}

async function askCommitted(link: Link, groupId: string, signal: AbortSignal) {
  const { committed, committedOfOne } = link.questions
  const asked = [{ groupId, memberId: null, memberEpoch: -1, topics: null }]
  if (!link.knows(committed)) return link.ask(committedOfOne, signal, asked, false)
  return (await link.ask(committed, signal, asked, false)).groups[0]
}

function whyUntold(group: string, code: number | undefined, options: Options): Text {
  if (code === codes.groupNotPermitted) return groupsNotPermitted(group, options)
  return code === codes.coordinatorLoading
    ? say`the broker still loads what the group ${group} has committed`
    : say`Kafka does not tell what the group ${group} has committed: error ${code ?? 'none'}`
}
