/**
 * A BullMQ worker as a program: `node bullmq-worker.ts PORT QUEUE ends|hangs`, where it hangs in a job that was never
 * begun before. It says "working" once it has begun a job. It looks for lost jobs each second.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'bullmq'

const [port, queue = '', manner] = process.argv.slice(2)

new Worker(
  queue,
  async ({ attemptsStarted }) => {
    process.stdout.write('working\n')
    if (manner === 'hangs' && attemptsStarted === 1) await delay(600_000)
  },
  { connection: { host: '127.0.0.1', port: Number(port) }, name: 'w-one', stalledInterval: 1000 },
)
