import { count, DidNotHelp, duration, percent, say, z } from 'healthz'
import { admitHidden, type Picture, principalOf } from './picture.ts'
import { codes } from './protocol.ts'
import { type Cluster, step } from './target.ts'

const limits = z.strictObject({
  warnPct: z.number().min(0).max(100).default(30),
  after: duration('30m').meta({ description: 'how long it must last' }),
})

/** The brokers share the work as it was planned. */
export const leaderSkew = step({
  title: say`partitions are led by their preferred brokers`,
  on: false,
  limits,
  cures: [{ title: say`make the preferred brokers leaders`, consent: 'ask' }],
  async check({ target, options, limits, signal, now, note, recall, remember, grade, problem, cannotTell }) {
    const picture = await target.picture(signal)
    const { strays, all } = straysOf(picture)
    const share = all === 0 ? 0 : (strays / all) * 100
    note(say`${strays} of ${count(all, 'partition')} are not led by their preferred brokers`)
    const isSkewed = grade(share, { warning: limits.warnPct }) !== null
    const since = isSkewed ? (recall<number>()?.value ?? now()) : null
    if (since !== null) remember(since)
    else remember(null)
    if (since !== null && now() - since >= limits.after) {
      problem({
        severity: 'warning',
        summary: say`${percent(share)} of the partitions are not led by their preferred brokers (limit ${percent(limits.warnPct)}): ${strays} of ${all}`,
        advice: say`some brokers do the work of others; let the preferred ones lead again: kafka-leader-election --election-type preferred --all-topic-partitions`,
        evidence: { strays, partitions: all },
        resolve: {
          title: say`make the preferred brokers leaders`,
          consent: 'ask',
          settle: 3000,
          run: ({ signal }) => elect(target, signal),
        },
      })
    }
    admitHidden(picture, options, cannotTell)
  },
})

/** Only those count whose preferred broker could lead. */
export function straysOf({ topics }: Pick<Picture, 'topics'>): {
  readonly strays: number
  readonly all: number
} {
  const led = topics.flatMap(({ partitions }) => partitions).filter(({ leader }) => leader >= 0)
  const strays = led.filter(
    ({ leader, replicas, inSync }) => leader !== replicas[0] && inSync.includes(replicas[0] ?? -1),
  )
  return { strays: strays.length, all: led.length }
}

/** @throws DidNotHelp */
async function elect(target: Cluster, signal: AbortSignal): Promise<void> {
  const { options } = target
  if (straysOf(await target.picture(signal)).strays === 0) return
  using link = await target.apart(target.link.place, signal)
  if (!link.knows(link.questions.elect))
    throw new DidNotHelp(say`this version of Kafka elects no leaders on request: it does from 2.4 on`)
  const { errorCode } = await link.ask(link.questions.elect, signal)
  if (errorCode === codes.clusterNotPermitted) {
    throw new DidNotHelp(
      say`${principalOf(options)} may not do this; run: kafka-acls --add --allow-principal ${principalOf(options)} --operation Alter --cluster`,
    )
  }
  if (errorCode !== 0) throw new DidNotHelp(say`Kafka answers with the error ${errorCode}`)
}
