import { ConnectionFailure, connectTcp, count, type Problem, say, type Text, tellSome, z } from 'healthz'
import { type Place, place } from './options.ts'
import { step } from './step.ts'

/** No port takes connections that nobody should reach from here. */
export const portClosed = step({
  title: say`ports that must be closed are closed`,
  on: false,
  limits: z.strictObject({
    ports: z
      .array(place())
      .max(200)
      .meta({ description: 'ports that nobody should reach from here' })
      .default([]),
  }),
  async check({ limits, signal, note, problem, cannotTell }) {
    const found: Problem[] = []
    const untold: Text[] = []
    for (const { port, failure } of await Promise.all(limits.ports.map((port) => lookAt(port, signal)))) {
      if (failure === null) found.push(exposed(port))
      else if (!closed.has(failure.kind)) untold.push(failure.summary)
    }
    note(say`${found.length} of ${count(limits.ports.length, 'port')} are open`)
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
    if (limits.ports.length === 0) cannotTell(say`no ports are named under "ports" of this step`)
  },
})

const closed: ReadonlySet<string> = new Set(['refused', 'timeout-connect', 'reset'])

async function lookAt(port: Place, signal: AbortSignal) {
  try {
    const socket = await connectTcp(port, { signal })
    socket.destroy()
    return { port, failure: null }
  } catch (error) {
    if (error instanceof ConnectionFailure) return { port, failure: error }
    throw error
  }
}

function exposed({ text }: Place): Problem {
  return {
    key: text,
    severity: 'warning',
    summary: say`${text} takes connections, and must be closed`,
    advice: say`see who listens there (ss -ltnp on its host), and stop it, bind it to another address or block it in the firewall`,
    evidence: { address: text },
  }
}
