import { type ClusterNode, type Problem, say } from 'healthz'
import { allSlots, type ClusterView } from './cluster-view.ts'

/** What is wrong with a cluster, as some of its nodes see it. */
export function faultsOf(
  views: readonly ClusterView[],
  expectReplicas: number | undefined,
): readonly Problem[] {
  return [
    ...unserved(views),
    ...downNodes(views),
    ...differing(views),
    ...withoutReplicas(views, expectReplicas),
  ]
}

function unserved(views: readonly ClusterView[]): readonly Problem[] {
  const refusing = views.filter(({ isServing }) => !isServing).map(({ address }) => address)
  const served = Math.min(...views.map((view) => view.served))
  if (refusing.length === 0 && served === allSlots) return []
  return [
    {
      key: 'slots',
      severity: 'critical',
      summary:
        refusing.length > 0
          ? say`the cluster is down for the clients of ${refusing}: ${served} of ${allSlots} slots are served`
          : say`only ${served} of ${allSlots} slots are served: part of the keys cannot be reached`,
      advice: say`start the masters that are down, or their replicas; redis-cli --cluster check lists the slots that nobody has`,
      evidence: { served, refusing: refusing.join(', ') },
    },
  ]
}

function downNodes(views: readonly ClusterView[]): readonly Problem[] {
  const nodes = [
    ...Map.groupBy(
      views.flatMap((view) => view.nodes),
      ({ id }) => id,
    ).values(),
  ]
  return nodes
    .flatMap((opinions) => {
      const [node] = opinions
      if (node === undefined) return []
      const dead = opinions.find(({ isDead }) => isDead)
      if (dead !== undefined) return [deadNode(dead)]
      return opinions.some(({ isUnheard }) => isUnheard) ? [unheardNode(node, views)] : []
    })
    .toSorted((a, b) => a.severity.localeCompare(b.severity) || (a.key ?? '').localeCompare(b.key ?? ''))
    .slice(0, mostTold)
}

/** So many are told one by one. */
const mostTold = 20

function deadNode({ address, slots, master }: ClusterNode): Problem {
  const ownsSlots = slots.length > 0
  return {
    key: `node ${address}`,
    severity: ownsSlots ? 'critical' : 'warning',
    summary: ownsSlots
      ? say`the node ${address} is down, and nobody has taken over its slots ${[...slots]}`
      : say`the node ${address} is down`,
    advice: say`start it; one that is gone for good is taken out with CLUSTER FORGET on each of the others`,
    evidence: { node: address, role: master === null ? 'master' : 'replica', slots: slots.join(' ') },
  }
}

function unheardNode({ id, address }: ClusterNode, views: readonly ClusterView[]): Problem {
  const by = views.filter(({ nodes }) => nodes.some((node) => node.id === id && node.isUnheard))
  return {
    key: `node ${address}`,
    severity: 'warning',
    confirm: 2,
    summary: say`the node ${address} is not heard by ${by.map((view) => view.address)}`,
    advice: say`look whether it hangs, and at the network between them, the port of the cluster bus included`,
    evidence: { node: address, by: by.map((view) => view.address).join(', ') },
  }
}

/** Who is there and who answers for which slots must look the same from everywhere. */
function differing(views: readonly ClusterView[]): readonly Problem[] {
  const pictures = Map.groupBy(views, ({ nodes }) =>
    nodes
      .map(({ id, slots }) => `${id} ${slots.join(',')}`)
      .toSorted()
      .join('\n'),
  )
  if (pictures.size < 2) return []
  const camps = [...pictures.values()].map((camp) => say`${camp.map(({ address }) => address)}`)
  return [
    {
      key: 'views',
      severity: 'warning',
      confirm: 2,
      summary: say`the nodes do not agree on who is in the cluster and has which slots; there are ${camps.length} opinions, those of ${camps.slice(0, 3)}`,
      advice: say`look at the network between them; redis-cli --cluster check shows where they differ`,
      evidence: { opinions: camps.length },
    },
  ]
}

/** Where no number is expected and no master has a replica, one problem says it for all. */
function withoutReplicas(
  views: readonly ClusterView[],
  expectReplicas: number | undefined,
): readonly Problem[] {
  const nodes = views[0]?.nodes ?? []
  const masters = nodes.filter(({ master, slots, isDead }) => master === null && slots.length > 0 && !isDead)
  const followers = (id: string) => nodes.filter(({ master, isDead }) => master === id && !isDead).length
  const wanted = expectReplicas ?? 1
  const poor = masters.filter(({ id }) => followers(id) < wanted)
  const advice = say`start the replicas that are missing, or add some: a master that fails is replaced by one of its replicas only`
  if (expectReplicas === undefined && poor.length > 1 && poor.length === masters.length) {
    const summary = say`none of the ${masters.length} masters has a replica`
    return [{ key: 'replicas', severity: 'warning', summary, advice, evidence: { masters: masters.length } }]
  }
  return poor.slice(0, mostTold).map(({ id, address }) => ({
    key: `replicas ${address}`,
    severity: 'warning',
    summary: say`the master ${address} has ${followers(id)} of ${wanted} replicas`,
    advice,
    evidence: { node: address, replicas: followers(id), expected: wanted },
  }))
}
