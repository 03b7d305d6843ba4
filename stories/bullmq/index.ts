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
`,
    rights: `# To look. CLIENT LIST tells the workers.
ACL SETUSER healthz on >PASSWORD ~bull:* +ping +select +info +client|setname +client|list +exists +get +hget +hmget +llen +lindex +lrange +zcard +zcount +zrange +zrangebyscore +zrevrangebyscore
# For the cures of paused and failed, which BullMQ itself runs:
ACL SETUSER healthz +@write +@read +@scripting +@connection
`,
  },
})
