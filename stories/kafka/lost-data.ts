import { count, say } from 'healthz'
import type { Options } from './options.ts'
import { admitHidden, listOf } from './picture.ts'
import { committedOf, type GroupProgress, type Step } from './progress.ts'
import { step } from './target.ts'

/** No message was deleted before those who wait for it have read it. */
export const lostData = step({
  title: say`no message was deleted unread`,
  confirm: 1,
  async check({ target, options, signal, note, problem, cannotTell }) {
    const [picture, { groups, untold }] = await Promise.all([target.picture(signal), target.progress(signal)])
    note(say`${count(groups.length, 'consumer group')}`)
    const suspects = groups.filter(({ steps }) => steps.some(isBehindStart))
    const losses = (await Promise.all(suspects.map((suspect) => confirmed(suspect, options, signal)))).flat()
    for (const { group, topic, lost, partitions, isRead } of losses.slice(0, mostTold)) {
      const isWatched = options.groups.some(({ name }) => name === group)
      problem({
        key: `${group}/${topic}`,
        severity: isWatched || isRead ? 'critical' : 'warning',
        summary: say`${count(lost, 'message')} of ${topic} were deleted before the group ${group} read them: ${listOf(partitions)}`,
        advice:
          isWatched || isRead
            ? say`raise retention.ms or retention.bytes of the topic, and see why the consumers are so late`
            : say`raise retention.ms of the topic and start the consumers; if nobody needs the group, run: kafka-consumer-groups --delete --group ${group}`,
        evidence: { group, topic, lost, partitions: partitions.length },
      })
    }
    if (losses.length > mostTold)
      note(say`${losses.length - mostTold} more groups and topics have lost messages`)
    admitHidden(picture, options, cannotTell)
    const [reason] = untold
    if (reason !== undefined) cannotTell(reason)
  },
})

const mostTold = 20

const isBehindStart = ({ committed, start }: Step) => committed !== null && committed < start

interface Loss {
  readonly group: string
  readonly topic: string
  readonly lost: number
  readonly partitions: readonly { readonly topic: string; readonly id: number }[]
  /** Whether somebody reads it now. */
  readonly isRead: boolean
}

/** Looks again at what was committed: the start of the log was read a moment later, and both move on. */
async function confirmed(
  { group, steps }: GroupProgress,
  options: Options,
  signal: AbortSignal,
): Promise<readonly Loss[]> {
  const { offsets } = await committedOf(group, options, signal)
  const lost = steps.filter(isBehindStart).flatMap((step) => {
    const { topic, partition, start } = step
    const now = offsets.find((offset) => offset.topic === topic && offset.partition === partition)?.offset
    return now == null || now >= start ? [] : { topic, id: partition, lost: start - now }
  })
  return [...Map.groupBy(lost, ({ topic }) => topic)].map(([topic, partitions]) => ({
    group: group.name,
    topic,
    lost: partitions.reduce((sum, partition) => sum + partition.lost, 0),
    partitions,
    isRead: group.state !== 'Empty' && group.state !== 'Dead',
  }))
}
