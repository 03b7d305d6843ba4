import { ConnectionFailure, type Cure, DidNotHelp, type RedisConnection, RedisRefusal, say } from 'healthz'
import { act } from './act.ts'

/** Ends the script or function that blocks a server, unless it has written already. */
export function killScript(node: RedisConnection): Cure {
  return {
    title: say`end the script that blocks ${node.address} (SCRIPT KILL)`,
    consent: 'ask',
    target: node.address,
    settle: 500,
    within: 20_000,
    async run() {
      if (!(await isBusy(node.call('PING')))) return
      // SCRIPT KILL ends no function, and the other way round: the server stays busy.
      if (await isBusy(kill(node, 'SCRIPT'))) await kill(node, 'FUNCTION')
    },
  }
}

async function kill(node: RedisConnection, what: 'SCRIPT' | 'FUNCTION'): Promise<void> {
  try {
    await act(node, what, 'KILL')
  } catch (error) {
    if (!(error instanceof RedisRefusal)) throw error
    if (error.code === 'UNKILLABLE')
      throw new DidNotHelp(
        say`the script has already written, so Redis ends it only together with the server`,
      )
    // NOTBUSY: it ended by itself in the meantime.
    if (error.code !== 'NOTBUSY') throw error
  }
}

async function isBusy(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return false
  } catch (error) {
    if (error instanceof ConnectionFailure && error.kind === 'busy') return true
    throw error
  }
}
