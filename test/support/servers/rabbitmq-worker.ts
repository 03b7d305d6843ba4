import { connect } from 'amqplib'

/** A program that takes all messages of a queue: `node rabbitmq-worker.ts URL QUEUE`. */
const [url = '', queue = ''] = process.argv.slice(2)

const connection = await connect(url)
const channel = await connection.createChannel()
await channel.consume(queue, (message) => {
  if (message !== null) channel.ack(message)
})
