import {
  CannotTell,
  type ClusterNode,
  ConnectionFailure,
  count,
  duration,
  milliseconds,
  say,
  z,
} from 'healthz'
import { faultsOf } from './cluster-faults.ts'
import { type ClusterView, lookInto } from './cluster-view.ts'
import { step } from './target.ts'

/** The cluster serves all of its keys, and its nodes see each other. */
export const cluster = step({
  title: say`the cluster serves all keys, and its nodes see each other`,
  on: ({ mode }) => mode === 'cluster',
  limits: z.strictObject({ openSlot: duration('10m') }),
  async check({ target, options, limits, note, problem, recall, remember, now, cannotTell }) {
    // Told first where nobody may look, or where this is no cluster.
    const own = await lookInto(target.node)
    const { reached, strayed } = await target.nodes()
    const others = await Promise.all(reached.filter((node) => node !== target.node).map(lookIfPossible))
    const views = [own, ...others.filter((view) => view !== null)]
    note(say`${count(own.nodes.length, 'node')}, as ${count(views.length, 'node')} of them see it`)
    for (const fault of faultsOf(views, options.expectReplicas)) problem(fault)

    const before = recall<Moving>()?.value ?? {}
    const moving = Object.fromEntries(movingOf(views).map((slot) => [slot, before[slot] ?? now()]))
    remember(moving)
    const stuck = Object.entries(moving).filter(([, since]) => now() - since > limits.openSlot)
    if (stuck.length > 0) {
      problem({
        key: 'moving',
        severity: 'warning',
        summary: say`${count(stuck.length, 'slot')} on the way from one master to another for more than ${milliseconds(limits.openSlot)}: ${stuck.slice(0, 5).map(([slot]) => slot)}`,
        advice: say`a move of slots was broken off: redis-cli --cluster fix brings it to its end`,
        evidence: { slots: stuck.length },
      })
    }
    // As many as the cluster does not hear either are told above; their addresses here may be other ones.
    const down = new Set(views.flatMap(({ nodes }) => nodes.filter(isDown).map(({ id }) => id)))
    if (strayed.length > down.size)
      cannotTell(
        say`the cluster hears nodes that cannot be reached from here: ${strayed.map(({ summary }) => summary)}`,
      )
  },
})

/** The slots that are on the way, with when they were first seen so. */
type Moving = Readonly<Record<string, number>>

async function lookIfPossible(node: Parameters<typeof lookInto>[0]): Promise<ClusterView | null> {
  try {
    return await lookInto(node)
  } catch (error) {
    if (error instanceof ConnectionFailure || error instanceof CannotTell) return null
    throw error
  }
}

function movingOf(views: readonly ClusterView[]): readonly string[] {
  return views.flatMap(({ address, nodes }) =>
    nodes
      .filter(({ isMyself }) => isMyself)
      .flatMap(({ moving }) => moving.map((slot) => `${address} ${slot}`)),
  )
}

const isDown = ({ isDead, isUnheard }: ClusterNode) => isDead || isUnheard
