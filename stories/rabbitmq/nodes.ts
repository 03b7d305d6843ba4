import { milliseconds, say } from 'healthz'
import { NoFigures } from './management.ts'
import type { Node } from './nodes-read.ts'
import { type Broker, step } from './target.ts'

/** All nodes of the cluster run and see each other. */
export const nodes = step({
  title: say`every node of the cluster runs and sees the others`,
  async check({ target, signal, now, note, recall, remember, problem }) {
    const found = await nodesOrHung(target, signal)
    if (found === null) {
      problem({
        key: 'hung',
        severity: 'critical',
        summary: say`the cluster gathers no figures: one of its nodes does not answer the others`,
        advice: say`find the node whose process hangs (stopped, swapping, overloaded) by running rabbitmq-diagnostics ping on each, and restart it`,
      })
      return
    }
    note(say`${found.filter(({ isRunning }) => isRunning).length} of ${found.length} nodes run`)
    const down = downSince(found, recall<Record<string, number>>()?.value ?? {}, now())
    remember(down)
    for (const [name, since] of Object.entries(down)) {
      const age = now() - since
      problem({
        key: name,
        severity: 'critical',
        summary:
          age === 0
            ? say`node ${name} does not run`
            : say`node ${name} has not run for ${milliseconds(age)} or longer`,
        advice: say`see in its log why it ended, and start it; a node that will never come back must be taken out of the cluster`,
        evidence: { node: name, since },
      })
    }
    for (const { name } of found.filter(({ isRunning, isDrained }) => isRunning && isDrained)) {
      problem({
        key: `drained ${name}`,
        severity: 'warning',
        summary: say`node ${name} is in maintenance and takes no clients`,
        advice: say`when the work on it is done, run there: rabbitmq-upgrade revive`,
        evidence: { node: name },
      })
    }
    const split = found.filter(({ partitions }) => partitions.length > 0)
    if (split.length === 0) return
    problem({
      key: 'partition',
      severity: 'critical',
      summary: say`the cluster is split: ${split.map(({ name, partitions }) => say`${name} has lost ${[...partitions]}`)}`,
      advice: say`choose the side whose messages to keep, and restart the nodes of the other side; set cluster_partition_handling so that it mends itself the next time`,
      evidence: { nodes: split.map(({ name }) => name).join(', ') },
    })
  },
})

async function nodesOrHung(target: Broker, signal: AbortSignal): Promise<readonly Node[] | null> {
  try {
    return await target.nodes(signal)
  } catch (error) {
    if (error instanceof NoFigures) return null
    throw error
  }
}

function downSince(found: readonly Node[], before: Readonly<Record<string, number>>, at: number) {
  const down = found.filter(({ isRunning }) => !isRunning)
  return Object.fromEntries(down.map(({ name }) => [name, before[name] ?? at]))
}
