import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from '../servers/redis.ts'
import type { TcpFault } from '../servers/tcp-fault-proxy.ts'
import type { FaultCluster } from './cluster.ts'
import type { FaultNode } from './node.ts'

/** What can be done to a cluster and the Redis behind it; each is undone after `ms`, and written down as a fault. */
export interface Deeds {
  /** kill -9, and started again. */
  kill(node: FaultNode, ms: number): Promise<void>
  /** SIGTERM, and started again. */
  restart(node: FaultNode): Promise<void>
  /** SIGSTOP and SIGCONT. */
  pause(node: FaultNode, ms: number): Promise<void>
  /** Its way to Redis fails. */
  cut(node: FaultNode, mode: TcpFault, ms: number): Promise<void>
  /** kill -9 of Redis, which comes back without data. */
  killRedis(ms: number): Promise<void>
  freezeRedis(ms: number): Promise<void>
  flush(): Promise<void>
  pauseClients(ms: number): Promise<void>
  fillMemory(ms: number): Promise<void>
  makeReadOnly(ms: number): Promise<void>
  /** The receiver of alarms fails. */
  deafen(how: 'refuse' | 'hang', ms: number): Promise<void>
}

export function deedsOn(cluster: FaultCluster, redis: Redis): Deeds {
  const during = cluster.during
  return {
    async kill(node, ms) {
      await during('kill', node, async () => {
        await node.kill()
        await sleep(ms)
      })
      await node.start()
    },
    restart: (node) =>
      during('restart', node, async () => {
        await node.stop()
        await node.start()
      }),
    pause: (node, ms) =>
      during('pause', node, async () => {
        node.pause()
        await sleep(ms)
        node.resume()
      }),
    cut: (node, mode, ms) =>
      during(mode, node, async () => {
        await node.proxy?.become(mode, { delay: mode === 'delay' ? 150 : 0 })
        await sleep(ms)
        await node.proxy?.become('pass')
      }),
    killRedis: (ms) =>
      during('redis killed', null, async () => {
        await redis.kill()
        await sleep(ms)
        await redis.restart()
        cluster.begin('redis empty', null, { lostDataAt: Date.now() })()
      }),
    freezeRedis: (ms) =>
      during('redis frozen', null, async () => {
        redis.freeze()
        await sleep(ms)
        redis.thaw()
      }),
    async flush() {
      await redis.cli('flushall')
      cluster.begin('flushall', null, { lostDataAt: Date.now() })()
    },
    pauseClients: (ms) =>
      during('client pause', null, async () => {
        await redis.cli('client', 'pause', ms, 'all')
        await sleep(ms)
      }),
    fillMemory: (ms) =>
      during('out of memory', null, async () => {
        await redis.cli('config', 'set', 'maxmemory', 1)
        await sleep(ms)
        await redis.cli('config', 'set', 'maxmemory', 0)
      }),
    makeReadOnly: (ms) =>
      during('read-only', null, async () => {
        await redis.cli('replicaof', '127.0.0.1', 1)
        await sleep(ms)
        await redis.cli('replicaof', 'no', 'one')
      }),
    deafen: (how, ms) =>
      during(`receiver: ${how}`, null, async () => {
        cluster.world.receive(how)
        await sleep(ms)
        cluster.world.receive('take')
      }),
  }
}
