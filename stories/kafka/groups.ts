import { CannotTell, ConnectionFailure, isNamed, say, type Text } from 'healthz'
import type { Access } from './access.ts'
import type { Link } from './link.ts'
import type { Address, Options } from './options.ts'
import { principalOf } from './picture.ts'
import { codes } from './protocol.ts'

/** A consumer group, and the connection to the broker that keeps its offsets. */
export interface Group {
  readonly name: string
  /** `Stable`, `Empty`, `Dead`, `PreparingRebalance`... */
  readonly state: string
  readonly link: Link
}

export interface GroupList {
  /** Those that the options watch, or all of them; some hundreds at most. */
  readonly groups: readonly Group[]
  /** Groups of the options that no broker has. */
  readonly missing: readonly string[]
  /** Why more could not be learned. */
  readonly untold: readonly Text[]
}

/** So many groups are looked at where the options name none. */
const mostGroups = 300

/** Each broker knows the groups that it coordinates, so every one of them is asked. */
export async function readGroups(access: Access, signal: AbortSignal): Promise<GroupList> {
  const { options, link } = access
  if (!link.knows(link.questions.groups))
    throw new CannotTell(
      say`this version of Kafka does not tell the state of its groups: it does from 2.6 on`,
    )
  const { brokers } = await access.picture(signal)
  const asked = await Promise.all([...brokers.values()].map((place) => askBroker(access, place, signal)))
  const found = asked.flatMap(({ groups }) => groups)
  const watched = options.groups.map(({ name }) => name)
  const missing = watched.filter((name) => !found.some((group) => group.name === name))
  const wanted =
    watched.length > 0
      ? found.filter(({ name }) => watched.includes(name))
      : found.filter(({ name }) => !isNamed(name, options.ignoreGroups))
  // Who has found all it looks for need not hear the others.
  const mute = watched.length > 0 && missing.length === 0 ? [] : asked.flatMap(({ untold }) => untold ?? [])
  const hidden = await hiddenOf(link, watched.length > 0 ? missing : ['healthz'], signal)
  return {
    groups: wanted.slice(0, mostGroups),
    // A broker that does not answer may have it.
    missing: mute.length > 0 ? [] : missing.filter((name) => !hidden.includes(name)),
    untold: [
      ...mute,
      ...hidden.slice(0, 1).map((name) => groupsNotPermitted(watched.length === 0 ? `'*'` : name, options)),
      ...(wanted.length > mostGroups
        ? [
            say`there are ${wanted.length} groups and only ${mostGroups} are looked at: name those that matter`,
          ]
        : []),
    ],
  }
}

interface Answer {
  readonly groups: readonly Group[]
  readonly untold: Text | null
}

async function askBroker(access: Access, place: Address, signal: AbortSignal): Promise<Answer> {
  try {
    const link = await access.to(place, signal)
    const { errorCode, groups } = await link.ask(link.questions.groups, signal, [], [])
    if (errorCode !== 0) return { groups: [], untold: say`${link.address} does not yet know its groups` }
    const consumers = groups.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
    return {
      groups: consumers.map(({ groupId, groupState }) => ({ name: groupId, state: groupState, link })),
      untold: null,
    }
  } catch (error) {
    if (error instanceof ConnectionFailure) return { groups: [], untold: error.summary }
    throw error
  }
}

/** Groups that the user may not see are left out silently; a broker says so only of a name that is asked for. */
async function hiddenOf(
  link: Link,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (names.length === 0) return []
  const { groups } = await link.ask(link.questions.describeGroups, signal, [...names], false)
  return groups.flatMap(({ errorCode, groupId }) => (errorCode === codes.groupNotPermitted ? groupId : []))
}

/** What to do so that the groups of this name can be seen. */
export function groupsNotPermitted(name: string, options: Options): Text {
  const principal = principalOf(options)
  return say`${principal} may not see all consumer groups; run: kafka-acls --add --allow-principal ${principal} --operation Describe --group ${name}`
}

/** Whether it has no members. */
export function isLeft({ state }: Pick<Group, 'state'>): boolean {
  return state === 'Empty' || state === 'Dead'
}
