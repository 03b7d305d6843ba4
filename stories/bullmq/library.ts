import type { Queue } from 'bullmq'
import { type Cure, DidNotHelp, openRedisKeys, say } from 'healthz'
import { keyOf, type Options } from './options.ts'

/** Lets a paused queue go on, by BullMQ itself. */
export function resumeQueue(name: string, options: Options): Cure {
  return {
    title: say`resume the queue ${name}`,
    consent: 'ask',
    target: name,
    run: ({ signal }) => withQueue(name, options, signal, (queue) => queue.resume()),
  }
}

/** Puts the jobs that failed last back to wait, by BullMQ itself; a bounded number, since each may fail again. */
export function retryFailed(name: string, options: Options): Cure {
  return {
    title: say`try the jobs of ${name} again that failed last, 100 at most`,
    consent: 'ask',
    target: name,
    run: ({ signal }) =>
      withQueue(name, options, signal, async (queue) => {
        const jobs = await queue.getFailed(0, 99)
        for (const job of jobs) {
          signal.throwIfAborted()
          await job.retry('failed')
        }
        if (jobs.length === 0) throw new DidNotHelp(say`no failed job of ${name} is left to try again`)
      }),
  }
}

/**
 * A queue on a connection of its own to the server that holds it, which has all of its keys also in a cluster; closed
 * afterwards, also when the act takes too long.
 */
async function withQueue(
  name: string,
  options: Options,
  signal: AbortSignal,
  act: (queue: Queue) => Promise<unknown>,
): Promise<void> {
  const { Queue } = await import('bullmq')
  using keys = await openRedisKeys(options, signal)
  const { url } = await keys.holderOf(keyOf(options, name, 'meta'))
  const { ca, insecure, prefix } = options
  const user = options.user ?? options.url?.user
  const password = options.password ?? options.url?.password
  const queue = new Queue(name, {
    prefix,
    // It writes nothing by itself: not even its own settings.
    skipMetasUpdate: true,
    connection: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 6379),
      db: Number(url.pathname.slice(1) || 0),
      ...(user !== undefined && { username: user }),
      ...(password !== undefined && { password: password.reveal() }),
      ...(url.protocol === 'rediss:' && {
        tls: { rejectUnauthorized: !insecure, ...(ca !== undefined && { ca }) },
      }),
      connectTimeout: 3000,
      commandTimeout: 5000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    },
  })
  queue.on('error', () => {}) // the act fails with it
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    await Promise.race([act(queue), aborted])
  } catch (error) {
    if (error instanceof DidNotHelp || signal.aborted) throw error
    // The library's own words may hold what it was connected with.
    throw new DidNotHelp(
      say`BullMQ could not do it on ${url.host}: its user may lack the right to run scripts`,
    )
  } finally {
    await queue.close().catch(() => {})
  }
}
