import { type ConnectionFailure, type Problem, say, type Text } from 'healthz'
import type { Peer, SentinelView, Watched } from './sentinel-view.ts'

export interface Expected {
  /** The name of the master. */
  readonly name: string
  readonly sentinels: number
}

/** What is wrong with a group of sentinels and what they watch. */
export function faultsOf(
  views: readonly SentinelView[],
  unreached: readonly ConnectionFailure[],
  expected: Expected,
): readonly Problem[] {
  const knowing = views.filter(isKnowing)
  const strangers = views.filter(({ watched }) => watched === null)
  const down = downSentinels(knowing, unreached)
  return [
    ...masterFaults(knowing, expected.name),
    ...quorumFaults(knowing, expected.name),
    ...views.filter(({ isTilted }) => isTilted).map(tilted),
    ...strangers.map(({ address }) => unknowing(address, expected.name)),
    ...down,
    ...missing(knowing, down.length + strangers.length, expected),
    ...replicaFaults(knowing, expected.name),
  ]
}

type Knowing = SentinelView & { readonly watched: Watched }

const isKnowing = (view: SentinelView): view is Knowing => view.watched !== null

const isDown = ({ flags }: Peer) => ['s_down', 'o_down', 'disconnected'].some((flag) => flags.has(flag))

function masterFaults(views: readonly Knowing[], name: string): readonly Problem[] {
  const named = Map.groupBy(views, ({ watched }) => watched.master.address)
  if (named.size > 1) {
    const opinions = [...named].map(
      ([master, them]) => say`${master} (${them.map(({ address }) => address)})`,
    )
    return [
      {
        key: 'disagree',
        severity: 'critical',
        summary: say`the sentinels name different masters for ${name}: ${opinions}`,
        advice: say`clients write to two servers: look which sentinels do not hear each other, at the network between them and at their logs`,
        evidence: { masters: [...named.keys()].join(', ') },
      },
    ]
  }
  const [first] = views
  const blind = views.filter(({ watched }) => watched.master.flags.has('s_down'))
  if (first === undefined || blind.length === 0) return []
  const { master } = first.watched
  const isAgreed = blind.some(({ watched }) => watched.master.flags.has('o_down'))
  return [
    {
      key: 'master',
      severity: isAgreed ? 'critical' : 'warning',
      summary: isAgreed
        ? say`the sentinels take the master ${master.address} for dead, and have not replaced it yet`
        : say`the master ${master.address} is not heard by ${blind.length} of ${views.length} sentinels: ${blind.map(({ address }) => address)}`,
      advice: isAgreed
        ? say`start the master again; the logs of the sentinels say why they made no replica the master`
        : say`look at the network between these sentinels and the master`,
      evidence: { master: master.address, notHeardBy: blind.map(({ address }) => address).join(', ') },
    },
  ]
}

function quorumFaults(views: readonly Knowing[], name: string): readonly Problem[] {
  const able = views.filter(({ watched, isTilted }) => watched.hasQuorum && !isTilted)
  const lonely = views.filter(({ watched }) => !watched.hasQuorum).map(({ address }) => address)
  if (views.length === 0 || (able.length > 0 && lonely.length === 0)) return []
  if (able.length > 0) {
    return lonely.map((address) => ({
      key: `quorum ${address}`,
      severity: 'warning',
      summary: say`the sentinel ${address} hears too few others to have ${name} replaced`,
      advice: say`look at the network between it and the other sentinels`,
      evidence: { sentinel: address },
    }))
  }
  return [
    {
      key: 'quorum',
      severity: 'critical',
      summary:
        lonely.length > 0
          ? say`the master ${name} cannot be replaced if it fails: too few sentinels hear each other (as ${lonely} tell)`
          : say`the master ${name} cannot be replaced if it fails: every sentinel that answers is in TILT`,
      advice: say`start the sentinels that are down; there must be more than half of them`,
      evidence: { sentinels: views.map(({ address }) => address).join(', ') },
    },
  ]
}

const tilted = ({ address }: SentinelView): Problem => ({
  key: `tilt ${address}`,
  severity: 'warning',
  summary: say`the sentinel ${address} is in TILT: it watches, but acts on nothing`,
  advice: say`its clock jumped or it was held up: look at the time synchronisation and the load of its host; after 30 s of calm it goes on by itself`,
  evidence: { sentinel: address },
})

const unknowing = (address: string, name: string): Problem => ({
  key: `unknowing ${address}`,
  severity: 'warning',
  summary: say`the sentinel ${address} watches no master named ${name}`,
  advice: say`have it watch the master (SENTINEL MONITOR), or take it out of this entry`,
  evidence: { sentinel: address },
})

/**
 * The sentinels that are down, each once: those not reached from here, and those that their peers do not hear. A
 * sentinel may have one address here and another among its peers, so that these are told only where they are more.
 */
function downSentinels(
  views: readonly Knowing[],
  unreached: readonly ConnectionFailure[],
): readonly Problem[] {
  const toldOf = new Set([...views, ...unreached].map(({ address }) => address))
  const unheard = addressesOf(views.flatMap(({ watched }) => watched.sentinels.filter(isDown)))
  const strange = unheard.filter((address) => !toldOf.has(address))
  const unnamed = unreached.filter(({ address }) => !unheard.includes(address))
  const advice = say`start it, or see in its log what keeps it; one that is gone for good is forgotten by SENTINEL RESET on each of the others, one after another`
  return [
    ...unreached.map(
      (failure): Problem => ({
        key: `sentinel ${failure.address}`,
        severity: 'warning',
        summary: say`a sentinel cannot be reached: ${failure.summary}`,
        advice: failure.advice,
        evidence: { sentinel: failure.address, kind: failure.kind },
      }),
    ),
    ...(strange.length > unnamed.length ? strange : []).map(
      (address): Problem => ({
        key: `sentinel ${address}`,
        severity: 'warning',
        summary: say`the sentinel ${address} is not heard by the others`,
        advice,
        evidence: { sentinel: address },
      }),
    ),
  ]
}

/** Sentinels that nobody knows of. */
function missing(views: readonly Knowing[], told: number, { name, sentinels }: Expected): readonly Problem[] {
  const alive = Math.max(0, ...views.map(({ watched }) => 1 + watched.sentinels.filter(isHeard).length))
  if (views.length === 0 || alive + told >= sentinels) return []
  return [
    {
      key: 'sentinels',
      severity: 'warning',
      summary: say`${alive} of ${sentinels} sentinels watch ${name}`,
      advice: say`start those that are missing; the majority is counted from all that were ever known`,
      evidence: { sentinels: alive, expected: sentinels },
    },
  ]
}

const isHeard = (peer: Peer) => !isDown(peer)

/** A replica counts as down where more than half of the sentinels say so. */
function replicaFaults(views: readonly Knowing[], name: string): readonly Problem[] {
  if (views.length === 0) return []
  const all = addressesOf(views.flatMap(({ watched }) => watched.replicas))
  const down = all.filter((address) => {
    const opinions = views.flatMap(({ watched }) => watched.replicas.filter((it) => it.address === address))
    return opinions.filter(isDown).length * 2 > opinions.length
  })
  if (all.length === 0) return [noReplica(name)]
  const isLast = down.length === all.length
  return down.slice(0, mostTold).map(
    (address): Problem => ({
      key: `replica ${address}`,
      severity: isLast ? 'critical' : 'warning',
      summary: summaryOf(address, isLast),
      advice: say`start it, or see in its log what keeps it; one that is gone for good is forgotten by SENTINEL RESET on each of the sentinels, one after another`,
      evidence: { replica: address, replicas: all.length, down: down.length },
    }),
  )
}

/** So many are told one by one. */
const mostTold = 20

function summaryOf(address: string, isLast: boolean): Text {
  return isLast
    ? say`the sentinels do not hear the replica ${address}, and there is no other that could become the master`
    : say`the sentinels do not hear the replica ${address}`
}

const noReplica = (name: string): Problem => ({
  key: 'replicas',
  severity: 'warning',
  summary: say`the sentinels know no replica of ${name}: nothing could take its place`,
  advice: say`start a replica of the master; the sentinels find it within ten seconds`,
})

const addressesOf = (peers: readonly Peer[]) => [...new Set(peers.map(({ address }) => address))]
