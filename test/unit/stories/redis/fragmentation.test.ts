import { expect, test } from 'vitest'
import { RedisInfo } from '../../../../src/clients/redis/info.ts'
import redisStory from '../../../../stories/redis/index.ts'
import type { RedisTarget } from '../../../../stories/redis/target.ts'
import { teller } from '../../../support/teller.ts'

// Swapping out more than 1 GiB cannot be provoked on a host without swap: the figures are those of a real report.
const swapped =
  'used_memory:6442450944\r\nused_memory_rss:2254857830\r\nmem_fragmentation_ratio:0.35\r\nmem_fragmentation_bytes:-4187593114\r\n'
const empty =
  'used_memory:916936\r\nused_memory_rss:6635520\r\nmem_fragmentation_ratio:7.57\r\nmem_fragmentation_bytes:5759208\r\n'
const tiny =
  'used_memory:916936\r\nused_memory_rss:635520\r\nmem_fragmentation_ratio:0.69\r\nmem_fragmentation_bytes:-281416\r\n'

test('data that is swapped out is critical', async () => {
  const told = await tellerOf(swapped).tell('fragmentation')
  expect(told.step('fragmentation').findings).toMatchObject([{ key: 'swapped', severity: 'critical' }])
  expect(told.summaries('fragmentation')[0]).toBe(
    'only 2.1 GiB of 6 GiB of data are in memory (ratio 0.35, limit 0.9): the rest is swapped out',
  )
  expect(told.cures.size).toBe(0)
})

test('the ratio of an empty server means nothing', async () => {
  for (const info of [empty, tiny])
    expect((await tellerOf(info).tell('fragmentation')).step('fragmentation').outcome).toBe('ok')
})

function tellerOf(reply: string) {
  const node = {
    address: 'r:6379',
    url: new URL('redis://r:6379'),
    call: () => Promise.reject(new Error('not asked for')),
    info: async () => new RedisInfo(reply),
    [Symbol.dispose]() {},
  }
  const target: RedisTarget = {
    node,
    nodes: async () => ({ reached: [node], unreached: [], strayed: [] }),
    sentinels: async () => ({ reached: [], unreached: [] }),
    holderOf: async () => node,
    [Symbol.dispose]() {},
  }
  return teller({ ...redisStory, open: () => target }, { url: 'redis://r' })
}
