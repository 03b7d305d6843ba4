import { CannotTell, ConnectionFailure, type OpenContext, say, shareInFlight, stepOf } from 'healthz'
import { type AmqpPort, lookAtAmqp } from './amqp.ts'
import { type Management, management } from './management.ts'
import { type Node, readNodes } from './nodes-read.ts'
import type { Options } from './options.ts'
import { type Counted, counted } from './queue-metrics.ts'
import { type Queue, type QueueList, readQueue, readQueues } from './queues.ts'

/** A broker of which at least one node answers. */
export interface Broker {
  /** The first node that answered: what concerns the whole cluster is asked here. */
  readonly api: Management
  /** All nodes that answered at the opening. */
  readonly apis: readonly Management[]
  /** Every configured address, tried anew. */
  reach(signal: AbortSignal): Promise<Reach>
  /** The nodes of the cluster, configured or not, asked once for the steps that ask together. @throws CannotTell */
  nodes(signal: AbortSignal): Promise<readonly Node[]>
  /** The queues, asked once for the steps that ask together. @throws CannotTell */
  queues(signal: AbortSignal): Promise<QueueList & Counted>
  /** One queue, asked anew; null where it is gone. @throws CannotTell */
  queue(which: Pick<Queue, 'vhost' | 'name'>, signal: AbortSignal): Promise<Queue | null>
}

export interface Reach {
  readonly reached: readonly Management[]
  readonly unreached: readonly ConnectionFailure[]
  readonly amqp: readonly AmqpPort[]
}

/** Declares a step of this story. */
export const step = stepOf<Broker, Options>()

/** The nodes of the cluster for a step that is about something else; none where they cannot be told. */
export async function nodesIfTold(broker: Broker, signal: AbortSignal): Promise<readonly Node[]> {
  try {
    return await broker.nodes(signal)
  } catch (error) {
    if (error instanceof CannotTell) return [] // the step about the nodes says why
    throw error
  }
}

/** @throws ConnectionFailure when no node answers. */
export async function openBroker({ options, signal }: OpenContext<Options>): Promise<Broker> {
  const configured = options.nodes.map((node) => management(node, options))
  const reach = async (within: AbortSignal): Promise<Reach> => {
    const [tried, amqp] = await Promise.all([
      Promise.all(configured.map((api) => enter(api, within))),
      lookAtAmqp(options.amqp, within),
    ])
    return {
      reached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [] : [found])),
      unreached: tried.flatMap((found) => (found instanceof ConnectionFailure ? [found] : [])),
      amqp,
    }
  }
  const { reached, unreached, amqp } = await reach(signal)
  const [api] = reached
  if (api === undefined) throw unreachable(unreached, amqp)
  return {
    api,
    apis: reached,
    reach,
    nodes: shareInFlight((within) => readNodes(api, within)),
    queues: shareInFlight(async (within) => {
      const { queues, hidden } = await readQueues(api, options, within)
      return { ...(await counted(queues, api, options, within)), hidden }
    }),
    queue: async (which, within) => {
      const found = await readQueue(api, which, within)
      if (found === null) return null
      return (await counted([found], api, options, within)).queues[0] ?? found
    },
  }
}

async function enter(api: Management, signal: AbortSignal): Promise<Management | ConnectionFailure> {
  try {
    await api.enter(signal)
    return api
  } catch (error) {
    if (error instanceof ConnectionFailure) return error
    throw error
  }
}

/** The failure that says most: one from a server that spoke. */
function unreachable(failures: readonly ConnectionFailure[], amqp: readonly AmqpPort[]): unknown {
  const silent = new Set(['refused', 'timeout-connect', 'timeout-reply', 'dns'])
  const failure = failures.find(({ kind }) => !silent.has(kind)) ?? failures[0]
  if (failure === undefined || !silent.has(failure.kind)) return failure
  const { kind, address, cause } = failure
  const open = amqp.find((port) => port.failure === null)
  if (open !== undefined) {
    const detail = say`clients still reach ${open.address}, so only the view of the broker is lost`
    const advice = say`run: rabbitmq-plugins enable rabbitmq_management`
    return new ConnectionFailure(kind, address, { detail, advice, cause })
  }
  if (failures.length === 1 && amqp.length === 0) return failure
  const others = [...failures.slice(1), ...amqp].map((other) => other.address)
  const detail = say`nor do ${others} answer`
  const advice = say`start the nodes; one in maintenance is brought back by: rabbitmq-upgrade revive`
  return new ConnectionFailure(kind, address, { detail, advice, cause })
}
