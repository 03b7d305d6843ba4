import { unescape as decoded } from 'node:querystring'
import type { ChannelModel } from 'amqplib'
import { ConnectionFailure, failureOf, rawProbe, say, type Text } from 'healthz'
import type { UrlOptions } from './options.ts'

/** Milliseconds until TCP, TLS and login must stand. */
const connectTimeout = 3000

export interface AmqpPlace {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  readonly address: string
  readonly vhost: string
  readonly user: string
}

export function placeOfAmqp({ broker, user }: Pick<UrlOptions, 'broker' | 'user'>): AmqpPlace {
  const { url } = broker
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isTls = url.protocol === 'amqps:'
  const port = Number(url.port) || (isTls ? 5671 : 5672)
  return {
    host,
    port,
    isTls,
    address: `${host}:${port}`,
    // As Celery reads it: one slash is left out, and nothing stands for the virtual host "/".
    vhost: decoded(url.pathname.slice(1)) || '/',
    user: user ?? broker.user ?? 'guest',
  }
}

/** Connects and logs in as the workers do. @throws ConnectionFailure whose kind tells why not */
export async function logIn(options: UrlOptions, signal: AbortSignal): Promise<ChannelModel> {
  signal.throwIfAborted()
  const place = placeOfAmqp(options)
  const password = options.password ?? options.broker.password
  const { connect } = await import('amqplib')
  const connecting = connect(
    {
      protocol: place.isTls ? 'amqps' : 'amqp',
      hostname: place.host,
      port: place.port,
      username: place.user,
      password: password?.reveal() ?? 'guest',
      vhost: encodeURIComponent(place.vhost),
      heartbeat: 0,
    },
    {
      timeout: connectTimeout,
      clientProperties: { connection_name: 'healthz' },
      ...(place.isTls && { rejectUnauthorized: !options.insecure, ca: options.ca }),
    },
  )
  try {
    const connection = await unlessAborted(connecting, signal)
    connection.on('error', () => {}) // whatever is under way fails, too
    return connection
  } catch (error) {
    connecting.then(close, () => {}) // it came too late
    signal.throwIfAborted()
    throw await whyNot(error, place, password !== undefined, signal)
  }
}

/** Closes a connection, however the other side takes it. */
export async function close(connection: ChannelModel): Promise<void> {
  const closing = connection.close().catch(() => {}) // it has closed before
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, 500)
  await Promise.race([closing, enough])
  clearTimeout(timer)
  streamOf(connection)?.destroy()
}

/** The library gives no other way to end a connection that does not answer. */
function streamOf(connection: ChannelModel): { destroy(): void } | undefined {
  return (connection.connection as { stream?: { destroy(): void } }).stream
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** The library's errors have neither codes nor classes: what RabbitMQ said stands in their text, and is not shown. */
export async function whyNot(
  error: unknown,
  { address, host, port, vhost, user, isTls }: AmqpPlace,
  hasPassword: boolean,
  signal: AbortSignal,
): Promise<ConnectionFailure> {
  const text = error instanceof Error ? error.message : ''
  const known = failureOf(error, address)
  if (known !== null && known.kind !== 'reset') return known
  if (text === 'connect ETIMEDOUT') {
    await rawProbe({ host, port }, { signal, connectTimeout: 1000, listen: 1 })
    return new ConnectionFailure('timeout-reply', address, { cause: error })
  }
  const said = (kind: ConstructorParameters<typeof ConnectionFailure>[0], detail: Text, advice?: Text) =>
    new ConnectionFailure(kind, address, { detail, ...(advice && { advice }) })
  if (/\b403\b|ACCESS.REFUSED/.test(text)) {
    return hasPassword
      ? said('auth-failed', say`login as ${user}`)
      : said('auth-missing', say`tried as ${user}, the user of every new broker`)
  }
  // Whether the virtual host is missing, refused or full, the library hides.
  if (/Expected ConnectionOpenOk|\b530\b/.test(text)) {
    return said(
      'not-found',
      say`the virtual host ${vhost} is not there, or ${user} has no right on it, or it is full`,
      say`see: rabbitmqctl list_permissions -p ${vhost}; the broker's log says which of them it is`,
    )
  }
  if (/Frame size|frame|Invalid|Expected ConnectionStart/i.test(text))
    return new ConnectionFailure('protocol', address)
  const heard = await rawProbe(
    { host, port },
    { signal, connectTimeout: 500, send: 'GET / HTTP/1.0\r\n\r\n' },
  ).catch(() => '')
  if (heard.startsWith('HTTP')) return new ConnectionFailure('protocol', address)
  return new ConnectionFailure('reset', address, {
    cause: known?.cause,
    ...(!isTls && {
      advice: say`look into the broker's log for the reason; where the port speaks TLS, write amqps: in the URL`,
    }),
  })
}
