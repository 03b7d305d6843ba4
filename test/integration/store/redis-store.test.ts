import { afterAll, beforeAll } from 'vitest'
import { openTestLink, type TestLink } from '../../support/cluster/redis-link.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { storeContract } from '../../support/store/contract.ts'
import { freshStores } from '../../support/store/redis-stores.ts'

describeWith(['redis'], 'a store over Redis', () => {
  let redis: Redis
  let link: TestLink
  let open: ReturnType<typeof freshStores>
  beforeAll(async () => {
    redis = await startRedis()
    link = await openTestLink(redis)
    open = freshStores(link)
  })
  afterAll(async () => {
    await link[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  storeContract('Redis', () => open())
})

// It refuses commands and scripts whose keys lie in several slots.
describeWith(['redis'], 'a store over a Redis Cluster', () => {
  let redis: Redis
  let link: TestLink
  let open: ReturnType<typeof freshStores>
  beforeAll(async () => {
    redis = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    await redis.cli('cluster', 'addslots', ...Array.from({ length: 16_384 }, (_, slot) => slot))
    await until('the cluster serves', async () => {
      return String(await redis.cli('cluster', 'info')).includes('cluster_state:ok')
    })
    link = await openTestLink(redis)
    open = freshStores(link)
  })
  afterAll(async () => {
    await link[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  storeContract('a Redis Cluster', () => open())
})
