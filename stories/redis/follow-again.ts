import { setTimeout as sleep } from 'node:timers/promises'
import { type Cure, DidNotHelp, type RedisConnection, say } from 'healthz'
import { act } from './act.ts'
import { lookAt, type Master, staleOf } from './seen.ts'
import type { RedisTarget } from './target.ts'

/** Makes a stale master follow the one that the replicas follow. What only the stale one holds is lost. */
export function followAgain(node: RedisConnection, master: Master, target: RedisTarget): Cure {
  const to = `${master.host}:${master.port}`
  return {
    title: say`make ${node.address} a replica of ${to} (REPLICAOF); what only ${node.address} holds is lost`,
    consent: 'ask',
    target: node.address,
    settle: 500,
    within: 120_000,
    async run({ signal }) {
      const { reached } = await target.nodes()
      const stale = staleOf(await lookAt(reached))
      if (stale?.node !== node || stale.master.host !== master.host || stale.master.port !== master.port)
        throw new DidNotHelp(say`the nodes have changed their roles in the meantime: nothing was done`)
      await act(node, 'REPLICAOF', master.host, master.port)
      await followed(node, signal)
    },
  }
}

async function followed(node: RedisConnection, signal: AbortSignal): Promise<void> {
  while ((await node.info('replication')).text('master_link_status') !== 'up')
    await sleep(250, undefined, { signal })
}
