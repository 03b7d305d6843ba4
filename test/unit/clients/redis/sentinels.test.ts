import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { LazyRedis } from '../../../../src/clients/redis/lazy.ts'
import { findMaster } from '../../../../src/clients/redis/sentinels.ts'
import { ConnectionFailure } from '../../../../src/core/failure.ts'

interface Sentinel {
  readonly port: number
  /** Milliseconds until it answers. */
  readonly after?: number
  readonly epoch?: number | 'not allowed'
}

/** A sentinel that names the server at a port of 10.0.0.1. */
const sentinel = ({ port, after = 0, epoch = 0 }: Sentinel) =>
  new LazyRedis(async () => {
    const address = `10.0.0.2:${port}`
    const call = async (_: string, ...[what]: readonly (string | number)[]) => {
      if (what === 'GET-MASTER-ADDR-BY-NAME') {
        await delay(after)
        return ['10.0.0.1', String(port)]
      }
      if (epoch === 'not allowed') throw new ConnectionFailure('not-allowed', address)
      return ['name', 'mymaster', 'config-epoch', String(epoch), 'num-slaves', '1']
    }
    const info = () => Promise.reject(new Error('not asked for'))
    return { address, url: new URL(`redis://${address}`), call, info, [Symbol.dispose]() {} }
  })

const lost = new LazyRedis(() => Promise.reject(new ConnectionFailure('refused', '10.0.0.3:26379')))

const found = (...sentinels: readonly LazyRedis[]) =>
  findMaster(sentinels, 'mymaster', AbortSignal.timeout(5000))

describe('the master that sentinels name', () => {
  test('one that was cut off answers first, and is not believed', async () => {
    const stale = sentinel({ port: 1, epoch: 4 })
    const right = sentinel({ port: 2, epoch: 5, after: 20 })
    expect(await found(stale, right, lost)).toBe('10.0.0.1:2')
  })

  test('where they may not be asked for the failover they took part in, the first is believed', async () => {
    const first = sentinel({ port: 1, epoch: 'not allowed' })
    expect(await found(first, sentinel({ port: 2, epoch: 'not allowed', after: 20 }))).toBe('10.0.0.1:1')
  })

  test('one that takes long is not waited for', async () => {
    // It would win, were it heard.
    expect(await found(sentinel({ port: 1 }), sentinel({ port: 2, epoch: 9, after: 3000 }))).toBe(
      '10.0.0.1:1',
    )
  })
})
