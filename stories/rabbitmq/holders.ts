import { CannotTell, type Cure, say, type Text, z } from 'healthz'
import type { Management } from './management.ts'
import { pathOf, type Queue, readQueue } from './queues.ts'

/** A connection that holds messages of a queue which it has not acknowledged. */
export interface Holder {
  readonly connection: string
  readonly user: string
  readonly peer: string
  readonly title: Text
}

/** The consumers of a queue that hold messages now; none where the broker does not tell. */
export async function readHolders(
  api: Management,
  queue: Queue,
  signal: AbortSignal,
): Promise<readonly Holder[]> {
  try {
    return await askHolders(api, queue, signal)
  } catch (error) {
    if (error instanceof CannotTell) return []
    throw error
  }
}

async function askHolders(api: Management, queue: Queue, signal: AbortSignal): Promise<readonly Holder[]> {
  const found = await api.find(pathOf(queue), consumersShape, signal)
  const consumers = (found?.consumer_details ?? []).flatMap(({ channel_details }) =>
    channelOf(channel_details),
  )
  const holding = await Promise.all(
    consumers.slice(0, mostAsked).map(async (consumer) => {
      const path = `/api/channels/${encodeURIComponent(consumer.channel)}?columns=messages_unacknowledged`
      const channel = await api.find(path, channelShape, signal)
      return (channel?.messages_unacknowledged ?? 0) > 0 ? [consumer] : []
    }),
  )
  return holding.flat()
}

/** So many channels of one queue are looked at. */
const mostAsked = 20

/** The broker leaves the details empty while a channel comes or goes. */
function channelOf(details: unknown): (Holder & { readonly channel: string }) | [] {
  const { success, data } = detailsShape.safeParse(details)
  if (!success) return []
  const { name, connection_name, user, peer_host, peer_port } = data
  const peer = `${peer_host}:${peer_port}`
  return { channel: name, connection: connection_name, user, peer, title: say`${user} from ${peer}` }
}

const consumersShape = z.looseObject({
  consumer_details: z.array(z.looseObject({ channel_details: z.unknown() })).optional(),
})

const detailsShape = z.looseObject({
  name: z.string(),
  connection_name: z.string(),
  user: z.string(),
  peer_host: z.string(),
  peer_port: z.number(),
})

const channelShape = z.looseObject({ messages_unacknowledged: z.number().optional() })

/**
 * Offers to close the connections of these users that hold messages: the broker then hands those to others, or to
 * the same worker again once it reconnects.
 */
export function disconnect(
  api: Management,
  queue: Queue,
  holders: readonly Holder[],
  users: readonly string[],
): { readonly resolve?: Cure } {
  const hanging = holders.filter(({ user }) => users.includes(user))
  if (hanging.length === 0) return {}
  return {
    resolve: {
      title: say`close the connection of ${hanging.map(({ title }) => title)}; its messages are handed out again`,
      consent: 'ask',
      target: api.address,
      // The broker's figures may be five seconds old.
      settle: 6000,
      async run({ signal }) {
        const fresh = await readQueue(api, queue, signal)
        if (fresh === null || fresh.acks !== queue.acks || fresh.unacknowledged !== queue.unacknowledged)
          return
        const still = await readHolders(api, queue, signal)
        for (const { connection } of hanging.filter((old) => still.some((now) => isSame(old, now)))) {
          await api.act('DELETE', `/api/connections/${encodeURIComponent(connection)}`, signal)
        }
      },
    },
  }
}

const isSame = (one: Holder, other: Holder) => one.connection === other.connection
