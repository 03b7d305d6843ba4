import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import { CannotTell, ConnectionFailure, say } from 'healthz'
import { codes, type Link, onChannel } from './amqp-channel.ts'
import { placeOfAmqp } from './amqp-login.ts'
import type { UrlOptions } from './options.ts'
import { bodyOf, mailbox, type Question, repliesOf, replyMailbox, replyQueue } from './pidbox.ts'
import type { Answers } from './workers.ts'

/** Asks the workers over their broker. The exchange of the mailbox is theirs: it is looked for, not made. */
export async function askWorkers(
  link: Link,
  options: UrlOptions,
  question: Question,
  signal: AbortSignal,
): Promise<Answers> {
  const exists = await onChannel(link, (channel) => channel.checkExchange(mailbox))
  // No worker has ever been there.
  if (exists === codes.notFound) return { replies: new Map(), listeners: 0 }
  const heard = await onChannel(
    link,
    (channel) => exchange(link, channel, options, question, signal),
    options.answerWithin + 2000,
  )
  if (typeof heard !== 'number') return heard
  const { user } = placeOfAmqp(options)
  throw new CannotTell(
    say`the user ${user} may not ask the workers, or the broker refuses it (code ${heard}); the rights it needs: healthz stories celery`,
  )
}

/** Asks, and takes what comes until those who are expected have answered or the time is up. */
async function exchange(
  { connection, address }: Link,
  channel: Channel,
  { answerWithin, expectWorkers, minWorkers }: UrlOptions,
  question: Question,
  signal: AbortSignal,
): Promise<Answers> {
  const back = { id: randomUUID(), ticket: randomUUID() }
  const queue = replyQueue(back)
  await channel.assertExchange(replyMailbox, 'direct', { durable: false })
  await channel.assertQueue(queue, { exclusive: true, autoDelete: true, durable: false, expires: 10_000 })
  await channel.bindQueue(queue, replyMailbox, back.id)
  const replies = new Map<string, unknown>()
  const { promise: over, resolve, reject } = Promise.withResolvers<number | null>()
  over.catch(() => {}) // nobody waits for it yet
  const { destination } = question
  const [expected, least] = destination ? [destination, 0] : [expectWorkers, minWorkers]
  const take = (message: ConsumeMessage | null) => {
    if (message?.properties.headers?.['ticket'] !== back.ticket) return
    for (const [worker, answer] of repliesOf(message.content.toString()) ?? []) replies.set(worker, answer)
    const areAllHere = expected.length > 0 && expected.every((worker) => replies.has(worker))
    if (areAllHere && replies.size >= least) resolve(null)
  }
  const abort = () => reject(signal.reason)
  const block = () => reject(blocked(address))
  const lose = () => reject(new ConnectionFailure('reset', address))
  const timer = setTimeout(() => resolve(null), answerWithin)
  signal.addEventListener('abort', abort, { once: true })
  connection.on('blocked', block)
  connection.on('close', lose)
  channel.on('error', reject)
  // It comes back where no worker has a queue bound to the exchange.
  channel.on('return', () => resolve(0))
  try {
    await channel.consume(queue, take, { noAck: true })
    channel.publish(mailbox, '', Buffer.from(bodyOf(question, back)), {
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      mandatory: true,
      headers: { clock: 1, expires: (Date.now() + answerWithin) / 1000 },
    })
    return { listeners: await over, replies }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    connection.off('blocked', block)
    connection.off('close', lose)
  }
}

function blocked(address: string): ConnectionFailure {
  return new ConnectionFailure('read-only', address, {
    detail: say`it is short of memory or disk and takes no messages`,
    advice: say`see rabbitmqctl status for its alarms; free disk space, or let the queues be worked off`,
  })
}
