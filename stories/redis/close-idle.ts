import { type Cure, DidNotHelp, milliseconds, type RedisConnection, say } from 'healthz'
import { act } from './act.ts'
import { listClients } from './client-list.ts'

/** Closes the connections of clients of these names that have been idle for longer than `idle` milliseconds. */
export function closeIdle(node: RedisConnection, names: readonly string[], idle: number): Cure {
  return {
    title: say`close connections of ${names} that have been idle for more than ${milliseconds(idle)} (CLIENT KILL)`,
    consent: 'ask',
    target: node.address,
    settle: 500,
    within: 30_000,
    async run({ signal }) {
      const idlers = (await listClients(node)).filter(
        (client) => names.includes(client.name) && client.idle > idle,
      )
      if (idlers.length === 0) throw new DidNotHelp(say`no connection of ${names} has been idle that long`)
      for (const { id } of idlers) {
        signal.throwIfAborted()
        // Answers 0 for one that has gone by itself.
        await act(node, 'CLIENT', 'KILL', 'ID', id)
      }
    },
  }
}
