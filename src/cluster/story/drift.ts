import type { Problem, Step } from '../../core/story.ts'
import { count, milliseconds, say } from '../../core/text.ts'
import { lasting } from './lasting.ts'
import { clusterLimits } from './limits.ts'
import { activeOf, type ClusterStoryPorts, type Peer } from './ports.ts'

/** Which node tells an entry must not decide what it comes to. */
export function configDrift(ports: ClusterStoryPorts): Step {
  return {
    title: say`all nodes have the same configuration`,
    // What it tells of has lasted as long as a deploy may take.
    confirm: 1,
    async check(context) {
      const groups = Map.groupBy(activeOf(await ports.records()), ({ config }) => config)
      const found = odd(groups)
      const lastsFor = lasting(context, found.facts, ports.every)
      if (found.isTie && lastsFor(found.tie) > clusterLimits.configFor) {
        context.problem({
          severity: 'warning',
          summary: say`the nodes have run with different configurations for ${milliseconds(lastsFor(found.tie))}, none of them with most: ${sides(groups)}`,
          advice: configAdvice,
          evidence: evidenceOf(groups),
        })
      }
      for (const { peer, fact } of found.peers) {
        if (lastsFor(fact) <= clusterLimits.configFor) continue
        context.problem({
          key: peer.name,
          severity: 'warning',
          summary: say`${peer.name} has run with another configuration than ${found.most} of the ${count(found.all, 'node')} for ${milliseconds(lastsFor(fact))}`,
          advice: configAdvice,
          evidence: { node: peer.name, host: peer.host, config: peer.config, others: found.value },
        })
      }
    },
  }
}

const configAdvice = say`compare the configuration files and the environment of these nodes, put the right one everywhere, and reload (SIGHUP) or restart healthz where it has changed; until then the result of a check depends on which node tells it`

/** Half an upgrade is no state to stay in. */
export function versionDrift(ports: ClusterStoryPorts): Step {
  return {
    title: say`all nodes run the same version`,
    // What it tells of has lasted as long as an upgrade may take.
    confirm: 1,
    async check(context) {
      const active = activeOf(await ports.records())
      const groups = Map.groupBy(active, ({ version }) => version)
      context.note(say`${[...groups.keys()]}`)
      const found = odd(groups)
      const lastsFor = lasting(context, found.facts, ports.every)
      if (found.isTie && lastsFor(found.tie) > clusterLimits.versionFor) {
        context.problem({
          severity: 'warning',
          summary: say`the nodes have run different versions for ${milliseconds(lastsFor(found.tie))}: ${sides(groups)}`,
          advice: versionAdvice,
          evidence: evidenceOf(groups),
        })
      }
      for (const { peer, fact } of found.peers) {
        if (lastsFor(fact) <= clusterLimits.versionFor) continue
        context.problem({
          key: peer.name,
          severity: 'warning',
          summary: say`${peer.name} has run version ${peer.version} for ${milliseconds(lastsFor(fact))} while ${found.most} of the ${count(found.all, 'node')} run ${found.value}`,
          advice: versionAdvice,
          evidence: { node: peer.name, host: peer.host, version: peer.version, others: found.value },
        })
      }
    },
  }
}

const versionAdvice = say`finish the upgrade, or take it back: install the same version on all nodes, one after another`

type Groups = ReadonlyMap<string, readonly Peer[]>

interface Odd {
  /** Several values are the most frequent: nobody can say which nodes are the odd ones. */
  readonly isTie: boolean
  readonly tie: string
  /** Else the nodes that differ from the most frequent value, and how many have that. */
  readonly peers: readonly { readonly peer: Peer; readonly fact: string }[]
  readonly value: string
  readonly most: number
  readonly all: number
  /** What is remembered: another difference is another fact. */
  readonly facts: readonly string[]
}

function odd(groups: Groups): Odd {
  const sorted = [...groups].toSorted(([, a], [, b]) => b.length - a.length)
  const all = sorted.reduce((sum, [, peers]) => sum + peers.length, 0)
  const [value = '', majority = []] = sorted[0] ?? []
  const isTie = sorted[1]?.[1].length === majority.length && sorted.length > 1
  const tie = [...groups.keys()].sort().join(' ')
  if (isTie) return { isTie, tie, peers: [], value, most: majority.length, all, facts: [tie] }
  const peers = sorted
    .slice(1)
    .flatMap(([own, members]) => members.map((peer) => ({ peer, fact: `${peer.name} ${own} ${value}` })))
  return { isTie, tie, peers, value, most: majority.length, all, facts: peers.map(({ fact }) => fact) }
}

/** `node-a, node-b and node-c | node-d`: who agrees with whom. */
const sides = (groups: Groups) =>
  [...groups].map(([value, peers]) => say`${peers.map(({ name }) => name).join(' + ')} (${short(value)})`)

/** Of a hash, enough to tell it apart. */
const short = (value: string) => (value.length > 20 ? value.slice(0, 8) : value)

const evidenceOf = (groups: Groups): NonNullable<Problem['evidence']> =>
  Object.fromEntries([...groups].map(([value, peers]) => [value, peers.map(({ name }) => name).join(', ')]))
