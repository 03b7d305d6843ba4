import type { ChannelModel } from 'amqplib'
import { CannotTell, say } from 'healthz'
import { askWorkers } from './amqp-ask.ts'
import { codes, type Link, onChannel } from './amqp-channel.ts'
import { close, logIn, placeOfAmqp } from './amqp-login.ts'
import type { UrlOptions } from './options.ts'
import { mailbox, type Question } from './pidbox.ts'
import { sharedAsk } from './share.ts'
import type { Broker, Depth } from './workers.ts'

/** A RabbitMQ as kombu uses it for a broker. @throws ConnectionFailure */
export async function openAmqp(options: UrlOptions, signal: AbortSignal): Promise<Broker> {
  const { address, user } = placeOfAmqp(options)
  const looking: Link = { connection: await logIn(options, signal), address }
  const asking = secondConnection(options)
  const tell = async (question: Question, within: AbortSignal) =>
    askWorkers({ connection: await asking.open(within), address }, options, question, within)
  return {
    address,
    depth: (queue) => lookAt(looking, queue, user),
    ask: sharedAsk(tell),
    tell,
    mayListen: async (worker) => {
      const found = await lookAt(looking, `${worker}.${mailbox}`, user)
      return found !== null && found.consumers !== 0
    },
    redis: null,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(looking.connection), asking.close()])
    },
  }
}

/**
 * For what is published: a broker that is short of memory or disk no longer reads what comes over a connection that
 * has published.
 */
function secondConnection(options: UrlOptions) {
  let connecting: Promise<ChannelModel> | null = null
  return {
    open(signal: AbortSignal): Promise<ChannelModel> {
      connecting ??= logIn(options, signal)
      return connecting
    },
    close: async () => {
      const connection = await connecting?.catch(() => null)
      if (connection) await close(connection)
    },
  }
}

/** Looks at a queue without making it; null where it is not there. */
async function lookAt(link: Link, queue: string, user: string): Promise<Depth | null> {
  const found = await onChannel(link, (channel) => channel.checkQueue(queue))
  if (typeof found !== 'number') return { waiting: found.messageCount, consumers: found.consumerCount }
  if (found === codes.notFound) return null
  // Only the connection that made it may look at it: a worker of a newer Celery lives there.
  if (found === codes.locked) return { waiting: 0, consumers: null }
  throw new CannotTell(
    say`the user ${user} may not look at the queue ${queue}, or the broker refuses it (code ${found})`,
  )
}
