import type { Channel, ChannelModel } from 'amqplib'
import { ConnectionFailure, milliseconds, say } from 'healthz'

/** Codes by which a broker closes a channel. */
export const codes = { refused: 403, notFound: 404, locked: 405 } as const

/** Milliseconds until a broker must have answered; less than a step's deadline, so that it can say what it waited for. */
const answerDeadline = 4000

/** A connection, and where it leads. */
export interface Link {
  readonly connection: ChannelModel
  readonly address: string
}

/**
 * Does something on a channel of its own: what the broker refuses costs the channel it was asked on. Gives the code
 * where it refused.
 * @throws ConnectionFailure when the connection is lost, or the broker does not answer in time.
 */
export async function onChannel<T extends object>(
  { connection, address }: Link,
  work: (channel: Channel) => Promise<T>,
  within = answerDeadline,
): Promise<T | number> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const detail = say`nothing within ${milliseconds(within)}`
    reject(new ConnectionFailure('timeout-reply', address, { detail }))
  }, within)
  try {
    return await Promise.race([workOn(connection, work), late])
  } catch (error) {
    const code = codeOf(error)
    if (code !== null) return code
    if (isOfTheLibrary(error)) throw new ConnectionFailure('reset', address, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function workOn<T>(connection: ChannelModel, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await connection.createChannel()
  channel.on('error', () => {}) // told by the promise of what was asked
  try {
    return await work(channel)
  } finally {
    // Nobody waits for it: a broker that hangs would hold up the answer.
    channel.close().catch(() => {})
  }
}

function codeOf(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null
}

/** What it says of a channel or a connection that has ended has no code. */
function isOfTheLibrary(error: unknown): boolean {
  return error instanceof Error && /^(Channel|Connection|Unexpected|Socket)\b/.test(error.message)
}
