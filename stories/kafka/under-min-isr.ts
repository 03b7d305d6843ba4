import { count, say } from 'healthz'
import { commonLoss, wordsOnLoss } from './loss.ts'
import { admitHidden, listOf, type Picture, principalOf } from './picture.ts'
import { type Cluster, step } from './target.ts'

const hour = 3_600_000

/** The limit of each topic, and when it was read. */
interface Kept {
  readonly at: number
  readonly limits: Limits
}

type Limits = Readonly<Record<string, number>>

/** Every partition has so many copies in sync that producers may write. */
export const underMinIsr = step({
  title: say`every partition takes messages of careful producers`,
  confirm: 2,
  async check({ target, options, signal, now, note, recall, remember, problem, cannotTell }) {
    const picture = await target.picture(signal)
    const kept = recall<Kept>()?.value
    const isFresh =
      kept !== undefined && now() - kept.at < hour && picture.topics.every(({ name }) => name in kept.limits)
    const first = isFresh ? kept : { at: now(), limits: await readLimits(target, namesOf(picture), signal) }
    const suspects = under(picture, first.limits)
    // A limit that was lowered meanwhile must not alarm.
    const again =
      isFresh && suspects.length > 0
        ? await readLimits(target, [...new Set(suspects.map(({ topic }) => topic))], signal)
        : {}
    const limits = { ...first.limits, ...again }
    remember({ at: first.at, limits })
    const found = under(picture, limits)
    note(say`${count(picture.topics.length, 'topic')}`)
    if (found.length > 0) {
      const losses = commonLoss(picture, found)
      const [one] = found
      problem({
        severity: 'critical',
        summary: say`messages of careful producers (acks=all) are refused by ${count(found.length, 'partition')}: ${listOf(found)}; ${one?.topic ?? ''} has ${one?.inSync.length ?? 0} in sync and needs ${limits[one?.topic ?? ''] ?? 1}`,
        advice:
          losses.length === 0
            ? say`the topic has fewer replicas than min.insync.replicas asks for: give it more, or lower that`
            : wordsOnLoss(losses),
        evidence: { partitions: found.length, brokers: losses.map(({ id }) => id).join(', ') },
      })
    }
    admitHidden(picture, options, cannotTell)
    const unread = namesOf(picture).filter((name) => !(name in limits))
    if (unread.length === 0) return
    cannotTell(
      say`${principalOf(options)} may not see the settings of ${count(unread.length, 'topic')}; run: kafka-acls --add --allow-principal ${principalOf(options)} --operation DescribeConfigs --topic '*'`,
    )
  },
})

const namesOf = ({ topics }: Picture) => topics.map(({ name }) => name)

function under({ topics }: Picture, limits: Limits) {
  // Where there is no leader at all, another step tells of it.
  return topics.flatMap(({ name, partitions }) =>
    partitions.filter(({ leader, inSync }) => leader >= 0 && inSync.length < (limits[name] ?? 0)),
  )
}

/** Topics whose settings the user may not see are left out. */
async function readLimits({ link }: Cluster, names: readonly string[], signal: AbortSignal): Promise<Limits> {
  if (names.length === 0) return {}
  const resources = names.map((resourceName) => ({
    resourceType: topicResource,
    resourceName,
    configurationKeys: ['min.insync.replicas'],
  }))
  const { results } = await link.ask(link.questions.configs, signal, resources, false, false)
  return Object.fromEntries(
    results.flatMap(({ errorCode, resourceName, configs }) => {
      const value = Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? Number.NaN)
      return errorCode !== 0 || Number.isNaN(value) ? [] : [[resourceName, value]]
    }),
  )
}

const topicResource: 2 = 2
