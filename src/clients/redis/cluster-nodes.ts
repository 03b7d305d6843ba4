import { CannotTell } from '../../core/story.ts'
import { say } from '../../core/text.ts'
import type { RedisConnection } from './connection.ts'
import { RedisRefusal } from './refusal.ts'

/** A node of a Redis Cluster, as another one knows it. */
export interface ClusterNode {
  readonly id: string
  /** `host:port` as the cluster announces it; empty where it knows none. */
  readonly address: string
  /** Enough masters agree that it is dead. */
  readonly isDead: boolean
  /** The node whose view this is does not hear it. */
  readonly isUnheard: boolean
  /** The id of its master; null for a master. */
  readonly master: string | null
  /** `0-5460` or `42`. */
  readonly slots: readonly string[]
  /** Slots on their way elsewhere or from elsewhere, as `42 to <id>`; a node tells of its own only. */
  readonly moving: readonly string[]
  readonly isMyself: boolean
}

/** @throws ConnectionFailure; CannotTell where the server is no part of a cluster. */
export async function readClusterNodes(node: RedisConnection): Promise<readonly ClusterNode[]> {
  return parseNodes(await askCluster(node, 'NODES'))
}

/** The text that CLUSTER INFO or NODES gives. @throws as `readClusterNodes` */
export async function askCluster(node: RedisConnection, what: 'INFO' | 'NODES'): Promise<string> {
  try {
    return String(await node.call('CLUSTER', what))
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    throw new CannotTell(say`${node.address} is no part of a cluster: cluster-enabled is no`)
  }
}

/**
 * Parses the lines of CLUSTER NODES, such as `<id> 10.0.0.1:6379@16379,host myself,master - 0 0 1 connected 0-5460`.
 * Those that are just being met, and those without an address, are left out.
 */
export function parseNodes(reply: string): readonly ClusterNode[] {
  return reply.split('\n').flatMap((line) => {
    const [id, place, flags, master, , , , , ...slots] = line.trim().split(' ')
    if (id === undefined || place === undefined || flags === undefined || master === undefined) return []
    const is = new Set(flags.split(','))
    if (is.has('handshake') || is.has('noaddr')) return []
    return [
      {
        id,
        address: place.replace(/[@,].*$/, ''),
        isDead: is.has('fail'),
        isUnheard: is.has('fail?'),
        master: master === '-' ? null : master,
        slots: slots.filter((slot) => !slot.startsWith('[')),
        moving: slots.flatMap(movingOf),
        isMyself: is.has('myself'),
      },
    ]
  })
}

/** `[42->-<id>]` leaves, `[42-<-<id>]` comes. */
function movingOf(text: string): readonly string[] {
  const [, slot, way, id] = /^\[(\d+)-([<>])-(\w+)\]$/.exec(text) ?? []
  return slot === undefined ? [] : [`${slot} ${way === '>' ? 'to' : 'from'} ${id}`]
}

/** The address of the master that answers for a slot; null where there is none. */
export function holderOfSlot(nodes: readonly ClusterNode[], slot: number): string | null {
  const holds = (range: string) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return first <= slot && slot <= last
  }
  return nodes.find(({ slots, isDead }) => !isDead && slots.some(holds))?.address ?? null
}
