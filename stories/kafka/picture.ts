import { CannotTell, isNamed, type StepContext, say } from 'healthz'
import type { Link } from './link.ts'
import type { Address, Options } from './options.ts'
import { codes } from './protocol.ts'

/** What one of the brokers knows of the cluster. */
export interface Picture {
  readonly brokers: ReadonlyMap<number, Address>
  /** -1 where there is none. With KRaft a broker names any broker here. */
  readonly controller: number
  readonly topics: readonly Topic[]
  /** Topics that are named in the options and do not exist. */
  readonly missing: readonly string[]
  /** Names and patterns of topics that the user may not see. */
  readonly hidden: readonly string[]
}

export interface Topic {
  readonly name: string
  readonly partitions: readonly Partition[]
}

export interface Partition {
  readonly topic: string
  readonly id: number
  /** -1 where there is none. */
  readonly leader: number
  /** The preferred leader first. */
  readonly replicas: readonly number[]
  /** Those that have all that was written. */
  readonly inSync: readonly number[]
}

/** @throws ConnectionFailure, CannotTell */
export async function readPicture(link: Link, options: Options, signal: AbortSignal): Promise<Picture> {
  const named = options.topics.filter((pattern) => !pattern.includes('*'))
  // Kafka leaves out silently what the user may not see, but says so of a name that is asked for.
  const probes = new Map(
    options.topics.filter((pattern) => pattern.includes('*')).map((pattern) => [probeOf(pattern), pattern]),
  )
  const [all, asked] = await Promise.all([
    link.ask(link.questions.metadata, signal, null, false),
    readTopics(link, [...named, ...probes.keys()], signal),
  ])
  const isWatched = (name: string) => isNamed(name, options.topics) && !isNamed(name, options.ignoreTopics)
  return {
    brokers: new Map(all.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }])),
    controller: all.controllerId,
    topics: all.topics.flatMap(({ name, partitions }) =>
      name == null || !isWatched(name) ? [] : topicOf(name, partitions),
    ),
    missing: asked.missing.filter((name) => named.includes(name)),
    hidden: asked.hidden.map((name) => probes.get(name) ?? name),
  }
}

/** Topics by their names. @throws ConnectionFailure, CannotTell */
export async function readTopics(
  link: Link,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Pick<Picture, 'topics' | 'missing' | 'hidden'>> {
  const { topics } = await link.ask(link.questions.metadata, signal, [...names], false)
  const withCode = (code: number) =>
    topics.flatMap(({ errorCode, name }) => (errorCode === code && name != null ? name : []))
  const [missing, hidden] = [withCode(codes.unknownTopic), withCode(codes.topicNotPermitted)]
  return {
    topics: topics.flatMap(({ name, partitions }) =>
      name == null || missing.includes(name) || hidden.includes(name) ? [] : topicOf(name, partitions),
    ),
    missing,
    hidden,
  }
}

/** A name that the pattern stands for. */
const probeOf = (pattern: string) => pattern.replaceAll('*', 'healthz').slice(0, 200)

/** The principal of the entry, as ACLs name it. */
export function principalOf({ user, cert }: Options): string {
  return `User:${user ?? (cert === undefined ? 'ANONYMOUS' : 'CN=...')}`
}

/** Ends a step as unknown when there are topics that the user may not see: all said about the others stands. */
export function admitHidden(
  { hidden }: Picture,
  options: Options,
  cannotTell: StepContext['cannotTell'],
): void {
  if (hidden.length === 0) return
  cannotTell(
    say`${principalOf(options)} may not see the topics ${[...hidden]}; run: kafka-acls --add --allow-principal ${principalOf(options)} --operation Describe --operation DescribeConfigs --topic ${aclName(hidden)}`,
  )
}

const aclName = ([first = '*']: readonly string[]) => (first === '*' ? `'*'` : first.replaceAll('*', ''))

/** Partitions as people count them: `orders 0, 4; mail 1`, of some topics at most. */
export function listOf(partitions: readonly Pick<Partition, 'topic' | 'id'>[]): string {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  const lists = [...byTopic].map(([topic, own]) => {
    const ids = own.map(({ id }) => id)
    return `${topic} ${ids.slice(0, mostListed).join(', ')}${ids.length > mostListed ? ', ...' : ''}`
  })
  return lists.slice(0, mostListed).join('; ') + (lists.length > mostListed ? '; ...' : '')
}

const mostListed = 8

interface RawPartition {
  readonly partitionIndex: number
  readonly leaderId: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
}

function topicOf(name: string, partitions: readonly RawPartition[]): Topic {
  return {
    name,
    partitions: partitions.map((raw) => ({
      topic: name,
      id: raw.partitionIndex,
      leader: raw.leaderId,
      replicas: raw.replicaNodes,
      inSync: raw.isrNodes,
    })),
  }
}

/** @throws CannotTell where Kafka refuses the whole question. */
export function mustBeCluster(code: number, options: Options): void {
  if (code === 0) return
  throw new CannotTell(
    code === codes.clusterNotPermitted
      ? say`${principalOf(options)} may not describe the cluster; run: kafka-acls --add --allow-principal ${principalOf(options)} --operation Describe --cluster`
      : say`Kafka answers with the error ${code}`,
  )
}
