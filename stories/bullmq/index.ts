import { defineStory, say } from 'healthz'
import { backlog } from './backlog.ts'
import { delayed } from './delayed.ts'
import { eviction } from './eviction.ts'
import { failed } from './failed.ts'
import { options } from './options.ts'
import { paused } from './paused.ts'
import { scheduler } from './scheduler.ts'
import { stalled } from './stalled.ts'
import { openQueues } from './target.ts'
import { workers } from './workers.ts'

/** Queues of BullMQ 5 and 6 in a Redis, as they stand in its keys. */
export default defineStory({
  title: say`BullMQ`,
  scope: 'cluster',
  options,
  open: openQueues,
  steps: { workers, backlog, delayed, stalled, failed, paused, scheduler, eviction },
  guide: {
    example: `- story: bullmq
  name: jobs
  with:
    url: "redis://healthz:\${REDIS_PASSWORD}@redis:6379/0"
    queues: [mail, reports]
    worker:
      supervisor: unix:///run/supervisor.sock
      program: mail-worker
      queues: [mail]

# Over sentinels
- story: bullmq
  name: shop-jobs
  with:
    mode: sentinel
    sentinels: [redis://sentinel1:26379, redis://sentinel2:26379]
    sentinelPassword: \${SENTINEL_PASSWORD}
    master: mymaster
    user: healthz
    password: \${REDIS_PASSWORD}
    queues: [orders]

# In a Redis Cluster: all keys of a queue lie in one slot, by the hash tag in the prefix of the application
- story: bullmq
  name: big-jobs
  with:
    mode: cluster
    url: redis://node1:6379
    replicas: [redis://node2:6379, redis://node3:6379]
    user: healthz
    password: \${REDIS_PASSWORD}
    prefix: '{bull}'
    queues: [orders]
`,
    rights: `# To look. CLIENT LIST tells the workers.
ACL SETUSER healthz on >PASSWORD ~bull:* +ping +select +info +client|setname +client|list +exists +get +hget +hmget +llen +lindex +lrange +zcard +zcount +zrange +zrangebyscore +zrevrangebyscore
# mode: sentinel, on each sentinel
ACL SETUSER healthz on >PASSWORD resetchannels -@all +ping +sentinel|get-master-addr-by-name +sentinel|master
# mode: cluster, on each node, with the prefix of the application
ACL SETUSER healthz +cluster|nodes ~{bull}:*
# For the cures of paused and failed, which BullMQ itself runs:
ACL SETUSER healthz +@write +@read +@scripting +@connection
`,
  },
})
