import { setTimeout as sleep } from 'node:timers/promises'
import {
  bytes,
  type Cure,
  DidNotHelp,
  type RedisConnection,
  type RedisInfo,
  RedisRefusal,
  say,
} from 'healthz'
import { act } from './act.ts'
import { memoryLeft } from './local-host.ts'

/** Saves a snapshot, after which a master that refused writes for want of one takes them again. */
export function saveAgain(node: RedisConnection): Cure {
  return {
    title: say`save a snapshot again (BGSAVE)`,
    consent: 'auto',
    target: node.address,
    settle: 0,
    within: 600_000,
    async run({ signal }) {
      const info = await node.info('persistence', 'memory', 'server', 'replication')
      if (info.text('rdb_last_bgsave_status') === 'ok') return
      if (info.text('rdb_bgsave_in_progress') === '0') await save(node, info)
      await saved(node, signal)
    },
  }
}

async function save(node: RedisConnection, info: RedisInfo): Promise<void> {
  const left = await memoryLeft(node.address, info)
  const used = info.number('used_memory')
  // A fork copies what is written to while it saves. A replica takes no writes but its master's, and may be slow.
  if (info.text('role') === 'master' && left !== null && used > left / 2)
    throw new DidNotHelp(
      say`its host has too little memory left for a fork: ${bytes(left)} for ${bytes(used)} of data`,
    )
  try {
    await act(node, 'BGSAVE')
  } catch (error) {
    if (error instanceof RedisRefusal)
      throw new DidNotHelp(
        say`the server cannot save now: it rewrites its append-only file, or has no memory for a fork`,
      )
    throw error
  }
}

async function saved(node: RedisConnection, signal: AbortSignal): Promise<void> {
  let info = await node.info('persistence')
  while (info.text('rdb_bgsave_in_progress') === '1') {
    await sleep(250, undefined, { signal })
    info = await node.info('persistence')
  }
  if (info.text('rdb_last_bgsave_status') !== 'ok')
    throw new DidNotHelp(say`the snapshot failed again; the log of the server says why`)
}
