import { Consumer } from '@platformatic/kafka'

/** A program that takes all messages of a topic: `node kafka-worker.ts PORT GROUP TOPIC`. */
const [port, groupId = '', topic = ''] = process.argv.slice(2)

const consumer = new Consumer({
  clientId: 'worker',
  groupId,
  bootstrapBrokers: [`127.0.0.1:${port}`],
  sessionTimeout: 6000,
  heartbeatInterval: 500,
})
const stream = await consumer.consume({ topics: [topic], mode: 'committed', autocommit: 100 })
process.once('SIGTERM', () => consumer.close(true))
for await (const message of stream) void message
