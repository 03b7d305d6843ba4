import type { Connection } from './connection.ts'
import { keepConnected } from './keeper.ts'

/**
 * Hears a channel over a connection of its own, subscribed anew on each connection. What is said while there is none
 * is not heard: nothing may depend on it.
 */
export function listenTo(
  channel: string,
  onMessage: (message: string) => void,
  options: {
    readonly open: (signal: AbortSignal) => Promise<Connection>
    readonly whom: string
    readonly timeout: number
  },
): AsyncDisposable {
  const { open, whom, timeout } = options
  return keepConnected(async (signal) => {
    const connection = await open(signal)
    try {
      await connection.subscribe(channel, onMessage, timeout)
    } catch (error) {
      connection[Symbol.dispose]()
      throw error
    }
    probe(connection, timeout)
    return connection
  }, whom)
}

/** A server that hangs keeps its connections up: only a question that stays open shows it. */
function probe(connection: Connection, timeout: number): void {
  const timer = setInterval(() => {
    // A failure ends the connection, or is an answer all the same.
    connection.ask(['PING'], timeout).catch(() => {})
  }, 2000)
  connection.over.addEventListener('abort', () => clearInterval(timer), { once: true })
}
