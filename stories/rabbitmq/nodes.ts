import { CannotTell, ConnectionFailure, milliseconds, say, z } from 'healthz'
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
    if (found.every(({ isRunning, isDrained }) => !isRunning || isDrained === null))
      note(
        say`this version does not tell of maintenance: a node in it takes no clients, which "connect" sees`,
      )
    const down = downSince(found, recall<Record<string, number>>()?.value ?? {}, now())
    remember(down)
    for (const [name, since] of Object.entries(down)) {
      const age = now() - since
      problem({
        key: name,
        severity: 'critical',
        summary:
          age < 1000
            ? say`node ${name} does not run`
            : say`node ${name} has not run for ${milliseconds(age)} or longer`,
        advice: say`see in its log why it ended, and start it; a node that will never come back must be taken out of the cluster`,
        evidence: { node: name, since },
      })
    }
    const drained = found.filter(({ isRunning, isDrained }) => isRunning && isDrained === true)
    for (const { name } of drained) {
      problem({
        key: `drained ${name}`,
        severity: 'warning',
        summary: say`node ${name} is in maintenance and takes no clients`,
        advice: revive,
        evidence: { node: name },
      })
    }
    for (const address of drained.length > 0 ? [] : await outOfService(target, signal)) {
      problem({
        key: `out ${address}`,
        severity: 'warning',
        summary: say`the node behind ${address} answers, but says that it does not serve clients`,
        advice: say`it is still starting, or in maintenance: ${revive}`,
        evidence: { address },
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

const revive = say`when the work on it is done, run there: rabbitmq-upgrade revive`

/** The addresses of nodes that answer and do not serve, as RabbitMQ 4.1 and later tell. */
async function outOfService({ apis }: Broker, signal: AbortSignal): Promise<readonly string[]> {
  const asked = await Promise.all(
    apis.map(async (api) => {
      try {
        const failed = await api.check('/api/health/checks/is-in-service', z.unknown(), signal)
        return failed === null ? [] : [api.address]
      } catch (error) {
        if (error instanceof CannotTell || error instanceof ConnectionFailure) return []
        throw error
      }
    }),
  )
  return asked.flat()
}

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
