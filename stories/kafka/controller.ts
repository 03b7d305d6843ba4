import { ConnectionFailure, count, duration, milliseconds, say, z } from 'healthz'
import type { Address } from './options.ts'
import { mustBeCluster } from './picture.ts'
import { type Cluster, step } from './target.ts'

/** Changes to the cluster can be made: a controller leads, and most voters follow it. */
export const controller = step({
  title: say`a controller leads and all voters follow it`,
  confirm: 2,
  limits: z.strictObject({ behind: duration('10s') }),
  async check({ target, options, limits, signal, note, problem }) {
    const { controller: named } = await target.picture(signal)
    const { link } = target
    const tellLeaderless = () =>
      problem({
        severity: 'critical',
        summary: say`no controller leads: topics, leaders and settings cannot change`,
        advice: say`start the controllers that are down; it takes more than half of them`,
        evidence: { controller: named },
      })
    if (!link.knows(link.questions.quorum)) {
      note(say`this Kafka has no quorum of controllers`)
      if (named < 0) tellLeaderless()
      return
    }
    const quorum = await readQuorum(target, signal)
    if (quorum === null) return tellLeaderless()
    mustBeCluster(quorum.code, options)
    if (quorum.leader < 0) return tellLeaderless()
    const { leader, voters } = quorum
    note(say`controller ${leader} leads ${count(voters.length, 'voter')}`)
    const behind = lagging(quorum, limits.behind)
    if (behind.length === 0) return
    const following = voters.length - behind.length
    const needed = Math.floor(voters.length / 2) + 1
    problem({
      severity: following < needed ? 'critical' : 'warning',
      summary: say`of ${count(voters.length, 'voter')} of the controllers ${following} follow (needed ${needed}); behind for more than ${milliseconds(limits.behind)}: ${behind.map(({ id }) => `${id}`)}`,
      advice: say`start the controller ${behind.map(({ id }) => `${id}`)}, or see in its log why it does not keep up`,
      evidence: { leader, voters: voters.length, following, behind: behind.map(({ id }) => id).join(', ') },
    })
  },
})

export interface Quorum {
  readonly code: number
  readonly leader: number
  readonly voters: readonly Voter[]
}

interface Voter {
  readonly id: number
  /** When it had all that the leader has, by the leader's clock; -1 where that is not told. */
  readonly caughtUp: number
}

/**
 * Some brokers are asked at once: one of them may still wait for the controller that was. Null where they answer, and
 * find nobody to pass this on to.
 */
async function readQuorum(target: Cluster, signal: AbortSignal): Promise<Quorum | null> {
  const { brokers } = await target.picture(signal)
  const own = target.link.place
  const others = [...brokers.values()].filter(({ host, port }) => host !== own.host || port !== own.port)
  const asked = [own, ...others].slice(0, mostAsked).map((place) => askQuorum(target, place, signal))
  try {
    return await Promise.any(asked)
  } catch {
    const [first] = await Promise.allSettled(asked)
    const failure = first?.status === 'rejected' ? first.reason : null
    // It answers all else, for it has just been asked for its brokers.
    if (failure === leaderless || (failure instanceof ConnectionFailure && failure.kind === 'timeout-reply'))
      return null
    throw failure
  }
}

const mostAsked = 3

/** @throws what `leaderless` is, where the broker finds no controller. */
async function askQuorum(target: Cluster, place: Address, signal: AbortSignal): Promise<Quorum> {
  using link = await target.apart(place, signal)
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await link.ask(link.questions.quorum, signal, topics)
  const partition = answer.topics[0]?.partitions[0]
  const code = answer.errorCode !== 0 ? answer.errorCode : (partition?.errorCode ?? 0)
  if (leaderlessCodes.has(code)) throw leaderless
  return {
    code,
    leader: partition?.leaderId ?? -1,
    voters: (partition?.currentVoters ?? []).map(({ replicaId, lastCaughtUpTimestamp }) => ({
      id: replicaId,
      caughtUp: Number(lastCaughtUpTimestamp),
    })),
  }
}

const leaderless = new Error('no controller leads')

/** LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT, NOT_CONTROLLER */
const leaderlessCodes = new Set([5, 6, 7, 41])

/** The voters that have not had all for longer than `ms`, by the clock of the leader. */
export function lagging({ leader, voters }: Quorum, ms: number): readonly Voter[] {
  const now = Math.max(...voters.map(({ caughtUp }) => caughtUp))
  // Before 3.3 no times are told, and -1 is told of a voter that was never there.
  if (now < 0) return []
  return voters.filter(({ id, caughtUp }) => id !== leader && now - caughtUp > ms)
}
